// A trader that knows nothing of the server but its proto. It trades, follows what happens to its orders, is cut off, and
// goes on; whatever is not as the proto says ends it with a message. What it did is printed as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "example.com/trader/aeromatch/v1"
)

const (
	symbol = "BTC-USD"
	flight = 500
)

// Done is what the test looks at.
type Done struct {
	Instruments int
	Refused     string
	Slug        string
	Batch       uint32
	Streamed    int
	Filled      string
	Resumed     int
	Updates     int
	Canceled    uint64
	Deadline    string
}

type trader struct {
	ctx        context.Context
	entry      pb.OrderEntryClient
	market     pb.MarketDataClient
	executions pb.ExecutionsClient
	done       Done
}

func check(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func must(holds bool, what string, facts ...any) {
	if !holds {
		check(fmt.Errorf("%v", facts), what)
	}
}

func order(account string, side pb.Side, price, quantity string) *pb.NewOrder {
	return &pb.NewOrder{Symbol: symbol, Side: side, Quantity: quantity, Price: &price, Account: &account}
}

func main() {
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err, "connect")
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	health, err := grpc_health_v1.NewHealthClient(connection).Check(
		ctx, &grpc_health_v1.HealthCheckRequest{Service: "aeromatch.v1.OrderEntry"})
	check(err, "health")
	must(health.Status == grpc_health_v1.HealthCheckResponse_SERVING, "health", health.Status)

	t := &trader{
		ctx:        ctx,
		entry:      pb.NewOrderEntryClient(connection),
		market:     pb.NewMarketDataClient(connection),
		executions: pb.NewExecutionsClient(connection),
	}
	t.looks()
	t.isRefused()
	t.trades()
	t.passesADeadline()
	result, err := t.entry.CancelOrders(ctx, &pb.CancelOrdersRequest{Account: text("alice")})
	check(err, "cancel orders")
	t.done.Canceled = result.Canceled
	check(json.NewEncoder(os.Stdout).Encode(t.done), "print")
}

func text(value string) *string { return &value }

func (t *trader) looks() {
	listed, err := t.market.ListInstruments(t.ctx, &pb.ListInstrumentsRequest{})
	check(err, "list instruments")
	t.done.Instruments = len(listed.Instruments)
	_, err = t.market.GetBook(t.ctx, &pb.GetBookRequest{Symbol: symbol})
	check(err, "get book")
}

func (t *trader) isRefused() {
	_, err := t.entry.SubmitOrder(t.ctx, &pb.SubmitOrderRequest{Order: order("alice", pb.Side_SIDE_BUY, "100.001", "1")})
	t.done.Refused = status.Code(err).String()
	details := status.Convert(err).Details()
	must(len(details) == 1, "details", details)
	t.done.Slug = details[0].(*pb.Problem).Slug
}

// trades enters many orders over one stream, follows them over another, which is cut off and resumed, and follows depth.
func (t *trader) trades() {
	own, cut := context.WithCancel(t.ctx)
	follow, err := t.executions.StreamOrders(own, &pb.StreamOrdersRequest{Account: text("alice")})
	check(err, "stream orders")
	first, err := follow.Recv()
	check(err, "begun")
	known := first.GetBegun().GetSequences()
	must(len(known) > 0, "begun", first)

	depth, err := t.market.StreamDepth(t.ctx, &pb.StreamDepthRequest{Symbols: []string{symbol}})
	check(err, "stream depth")
	_, err = depth.Header()
	check(err, "depth has begun")

	batch, err := t.entry.SubmitOrders(t.ctx, &pb.SubmitOrdersRequest{Orders: []*pb.NewOrder{
		order("alice", pb.Side_SIDE_BUY, "100", "500"),
		order("alice", pb.Side_SIDE_BUY, "99.50", "1"),
		order("alice", pb.Side_SIDE_BUY, "99.001", "1"),
	}})
	check(err, "batch")
	must(batch.Rejected == 1 && batch.Results[2].GetProblem().GetSlug() == "invalid_price", "batch", batch)
	t.done.Batch = batch.Accepted
	resting := batch.Results[0].GetOrder().OrderId

	t.sells()
	fills := map[uint64]bool{}
	filled := ""
	for len(fills) < flight/2 {
		filled = t.takes(follow, known, fills, resting, filled)
	}
	before := len(fills)
	cut()
	again, err := t.executions.StreamOrders(
		t.ctx, &pb.StreamOrdersRequest{Account: text("alice"), FromSequences: known})
	check(err, "resume")
	begun, err := again.Recv()
	check(err, "begun again")
	must(fmt.Sprint(begun.GetBegun().GetSequences()) == fmt.Sprint(known), "begun again", begun, known)
	for len(fills) < flight {
		filled = t.takes(again, known, fills, resting, filled)
	}
	t.done.Filled, t.done.Resumed = filled, len(fills)-before
	t.followsDepth(depth)
}

// takes reads one message, notes the fills of an order, of which none may come twice, and how far the stream has come.
func (t *trader) takes(
	follow grpc.ServerStreamingClient[pb.OrderMessage], known []uint64, fills map[uint64]bool, resting uint64, filled string,
) string {
	message, err := follow.Recv()
	check(err, "executions")
	changed := message.GetChanged()
	must(changed != nil && changed.Sequence > known[changed.Shard], "sequence", message, known)
	known[changed.Shard] = changed.Sequence
	for _, each := range changed.Orders {
		if each.OrderId != resting {
			continue
		}
		filled = each.FilledQuantity
		for _, fill := range each.Fills {
			must(!fills[fill.TradeId], "a fill came twice", fill)
			fills[fill.TradeId] = true
		}
	}
	return filled
}

// sells has many orders in flight over one stream.
func (t *trader) sells() {
	stream, err := t.entry.Trade(t.ctx)
	check(err, "trade")
	go func() {
		for number := uint64(1); number <= flight; number++ {
			request := &pb.TradeRequest_SubmitOrder{
				SubmitOrder: &pb.SubmitOrderRequest{Order: order("bob", pb.Side_SIDE_SELL, "100", "1")}}
			check(stream.Send(&pb.TradeRequest{Id: number, Request: request}), "send")
		}
		check(stream.CloseSend(), "close")
	}()
	answered := map[uint64]bool{}
	for {
		reply, err := stream.Recv()
		if err == io.EOF {
			break
		}
		check(err, "reply")
		must(reply.GetOrder().GetStatus() == pb.OrderStatus_ORDER_STATUS_FILLED && !answered[reply.Id], "reply", reply)
		answered[reply.Id] = true
	}
	t.done.Streamed = len(answered)
}

// followsDepth reads until the level that was traded away is gone: the updates chain.
func (t *trader) followsDepth(depth grpc.ServerStreamingClient[pb.DepthMessage]) {
	var last uint64
	for {
		message, err := depth.Recv()
		check(err, "depth")
		if snapshot := message.GetSnapshot(); snapshot != nil {
			last = snapshot.LastUpdateId
			continue
		}
		update := message.GetUpdate()
		must(update.FirstUpdateId == last+1, "the chain of updates", update.FirstUpdateId, last)
		last = update.LastUpdateId
		t.done.Updates++
		for _, level := range update.Bids {
			if level.Price == "100.00" && level.Quantity == "0" {
				return
			}
		}
	}
}

func (t *trader) passesADeadline() {
	past, cancel := context.WithDeadline(t.ctx, time.Now().Add(-time.Second))
	defer cancel()
	_, err := t.entry.SubmitOrder(past, &pb.SubmitOrderRequest{Order: order("alice", pb.Side_SIDE_BUY, "1", "1")})
	must(status.Code(err) == codes.DeadlineExceeded, "deadline", err)
	t.done.Deadline = status.Code(err).String()
}
