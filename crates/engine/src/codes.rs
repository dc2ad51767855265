//! The closed enums of the rules: one table each of code (what a record carries) and slug (what a person reads).
//!
//! Core, gateways, stubs and documentation share these tables; a code or slug, once released, is never reused.

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $code:literal $slug:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vmeta])* $variant = $code,)+ }

        impl $name {
            /// Every value, in order of code.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The byte a record carries.
            #[inline(always)]
            pub const fn code(self) -> u8 { self as u8 }

            /// The value of a record's byte, or `None` for a code that this version does not know.
            #[inline(always)]
            pub const fn from_code(code: u8) -> Option<$name> {
                match code { $($code => Some($name::$variant),)+ _ => None }
            }

            /// The stable word of the public interfaces.
            pub const fn slug(self) -> &'static str {
                match self { $($name::$variant => $slug,)+ }
            }

            /// The value of a slug.
            pub fn from_slug(slug: &str) -> Option<$name> {
                match slug { $($slug => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

codes! {
    /// Side of an order.
    Side {
        /// Bids.
        Buy = 0 "buy",
        /// Asks.
        Sell = 1 "sell",
    }
}

codes! {
    /// What a command asks for.
    CommandKind {
        /// A new order.
        New = 1 "new",
        /// Cancel one order (R23).
        Cancel = 2 "cancel",
        /// Change an order's total quantity, its price, or both (R22).
        Amend = 3 "amend",
        /// Cancel every order of an account, or of all (R24).
        MassCancel = 4 "mass_cancel",
        /// Change the trading phase (R17, R26).
        Phase = 5 "phase",
        /// Let time pass (R2).
        AdvanceTime = 6 "advance_time",
    }
}

codes! {
    /// What a command to the exchange asks for, beyond the orders of one book.
    AdminKind {
        /// Make an asset.
        CreateAsset = 16 "create_asset",
        /// Make a clearing group (R30).
        CreateGroup = 17 "create_group",
        /// Make an account.
        CreateAccount = 18 "create_account",
        /// Make an instrument, with what its settlement needs.
        CreateInstrument = 19 "create_instrument",
        /// Make an event market (R32).
        CreateEvent = 20 "create_event",
        /// Bring funds in.
        Deposit = 21 "deposit",
        /// Take available funds out.
        Withdraw = 22 "withdraw",
        /// Move an account's funds from one clearing group to another (R30).
        Transfer = 23 "transfer",
        /// Turn cash into full sets of an event's shares (R32).
        Mint = 24 "mint",
        /// Turn full sets of an event's shares into cash (R32).
        Redeem = 25 "redeem",
        /// End an event market and pay its shares (R32).
        Settle = 26 "settle",
        /// Say which shard of how many this log is: its first command.
        Partition = 27 "partition",
        /// Say on which shard a clearing group or an instrument will live.
        Place = 28 "place",
    }
}

codes! {
    /// What a `place` command places.
    PlaceKind {
        /// A clearing group, with all that is settled in it.
        Group = 0 "group",
        /// An instrument that is not settled.
        Instrument = 1 "instrument",
    }
}

codes! {
    /// What a `transfer` command is to do (D62).
    TransferPart {
        /// All of it, as far as it is this shard's: the funds leave, and arrive where that is here.
        Whole = 0 "whole",
        /// What has left another shard arrives.
        Arrival = 1 "arrival",
    }
}

codes! {
    /// How an event market is settled (R32).
    SettlementMode {
        /// One outcome is worth one unit of cash, the others nothing.
        Full = 0 "full",
        /// Each outcome is worth its part of one unit.
        Scalar = 1 "scalar",
        /// Nothing was decided: shares are refunded at stated prices.
        Void = 2 "void",
    }
}

codes! {
    /// What a `created` event says was made.
    CreatedKind {
        /// An asset.
        Asset = 1 "asset",
        /// A clearing group.
        Group = 2 "group",
        /// An account.
        Account = 3 "account",
        /// An instrument.
        Instrument = 4 "instrument",
        /// An event market.
        Event = 5 "event",
    }
}

codes! {
    /// Order types (R11, R12, R15). Icebergs and hidden orders are limit orders with a display quantity (R14).
    OrderType {
        /// Trades at its price or better; the rest follows its time in force.
        Limit = 0 "limit",
        /// Trades down the other side, never rests in continuous trading.
        Market = 1 "market",
        /// Waits for its stop price, then is a market order.
        Stop = 2 "stop",
        /// Waits for its stop price, then is a limit order.
        StopLimit = 3 "stop_limit",
        /// A stop whose price follows the market.
        TrailingStop = 4 "trailing_stop",
        /// A stop-limit whose stop price follows the market; its limit does not.
        TrailingStopLimit = 5 "trailing_stop_limit",
    }
}

codes! {
    /// Time in force (R17 to R20).
    TimeInForce {
        /// Good till canceled.
        Gtc = 0 "gtc",
        /// Until the session closes.
        Day = 1 "day",
        /// Until its `expire_at`.
        Gtd = 2 "gtd",
        /// Trades what it can at once; the rest is canceled.
        Ioc = 3 "ioc",
        /// Trades in full at once or not at all.
        Fok = 4 "fok",
        /// All or none: rests undisplayed until it trades in full in one go.
        Aon = 5 "aon",
    }
}

codes! {
    /// What happens where two orders of one owner would trade (R25).
    SelfTradePrevention {
        /// They trade.
        None = 1 "none",
        /// The aggressor ends.
        CancelNewest = 2 "cancel_newest",
        /// The resting order ends.
        CancelOldest = 3 "cancel_oldest",
        /// Both end.
        CancelBoth = 4 "cancel_both",
        /// Both shrink by the smaller remainder.
        Decrement = 5 "decrement",
    }
}

codes! {
    /// Trading phases (R26).
    Phase {
        /// Orders match as they arrive.
        Continuous = 0 "continuous",
        /// Before the opening: orders are collected.
        PreOpen = 1 "pre_open",
        /// A call auction: orders are collected, then uncrossed (R27).
        Auction = 2 "auction",
        /// Trading is interrupted: cancels only.
        Halted = 3 "halted",
        /// The session is over: cancels only.
        Closed = 4 "closed",
    }
}

codes! {
    /// How an aggressor's quantity is shared out at a price level (R29).
    Matching {
        /// Oldest order first.
        Fifo = 0 "fifo",
        /// In proportion to what each order shows.
        ProRata = 1 "pro_rata",
        /// A share oldest first, the rest in proportion.
        FifoProRata = 2 "fifo_pro_rata",
    }
}

codes! {
    /// Unit of a trail offset or a price band.
    OffsetUnit {
        /// Ticks.
        Ticks = 0 "ticks",
        /// Basis points of a price: 1/10,000 of its magnitude.
        Bps = 1 "bps",
    }
}

codes! {
    /// Kinds of events (R7).
    EventKind {
        /// A command was taken.
        Accepted = 1 "accepted",
        /// A command was refused; nothing but sequence number and time changed.
        Rejected = 2 "rejected",
        /// A sliding post-only order rests at another price than it asked for (R13).
        Repriced = 3 "repriced",
        /// A stop became an order (R16).
        Triggered = 4 "triggered",
        /// Two orders traded.
        Trade = 5 "trade",
        /// An iceberg shows its next slice (R14).
        Replenished = 6 "replenished",
        /// Self-trade prevention shrank two orders (R25).
        Decremented = 7 "decremented",
        /// What was live of an order is gone.
        Canceled = 8 "canceled",
        /// An order has a new price or total (R22).
        Amended = 9 "amended",
        /// The trading phase changed (R26).
        Phase = 10 "phase",
        /// An instrument, account, asset or event was made.
        Created = 11 "created",
        /// An account's funds changed (R30).
        Funds = 12 "funds",
        /// An event market was settled (R32).
        Settled = 13 "settled",
    }
}

codes! {
    /// Why a command was rejected, in order of precedence (R8).
    RejectReason {
        /// The command names an instrument that is not here.
        UnknownInstrument = 1 "unknown_instrument",
        /// The command names an account that does not exist.
        UnknownAccount = 2 "unknown_account",
        /// Quantity outside 1 to 2^48 lots, or not a whole number of lots.
        InvalidQuantity = 3 "invalid_quantity",
        /// Price off the grid or outside 64 bits.
        InvalidPrice = 4 "invalid_price",
        /// `expire_at` outside 1 to 2^63 - 1.
        InvalidTime = 5 "invalid_time",
        /// Client order id not 1 to 36 printable ASCII characters.
        InvalidClientOrderId = 6 "invalid_client_order_id",
        /// The fields contradict one another.
        InvalidCombination = 7 "invalid_combination",
        /// The phase does not take this command.
        NotAllowedInPhase = 8 "not_allowed_in_phase",
        /// No such live order, or someone else's.
        UnknownOrder = 9 "unknown_order",
        /// `expire_at` is not in the future.
        Expired = 10 "expired",
        /// The limit lies outside the static band (R28).
        PriceOutOfBand = 11 "price_out_of_band",
        /// The client order id is taken (R5).
        DuplicateClientOrderId = 12 "duplicate_client_order_id",
        /// The account cannot pay (R30).
        InsufficientFunds = 13 "insufficient_funds",
        /// A post-only order would trade on arrival (R13).
        PostOnlyWouldTake = 14 "post_only_would_take",
        /// What the command would make is there already.
        AlreadyExists = 15 "already_exists",
        /// The command names an asset that is not here.
        UnknownAsset = 16 "unknown_asset",
        /// The command names a clearing group that is not here.
        UnknownGroup = 17 "unknown_group",
        /// The command names an event that is not here.
        UnknownEvent = 18 "unknown_event",
        /// The event has no such outcome.
        UnknownOutcome = 19 "unknown_outcome",
        /// The event was settled before (R32).
        AlreadySettled = 20 "already_settled",
        /// A transfer, deposit or withdrawal with this id was made before (R30).
        DuplicateTransfer = 21 "duplicate_transfer",
        /// A name that is too long together with its event's, or has control characters, outer spaces or a slash where none may be.
        InvalidName = 22 "invalid_name",
        /// Admission: the journal has no room. Comes before sequencing and leaves no trace in the log.
        Capacity = 243 "capacity",
    }
}

codes! {
    /// Why an order, or the rest of it, was canceled (R8).
    CancelReason {
        /// By a cancel command.
        Requested = 1 "requested",
        /// By a mass cancel.
        MassCancel = 2 "mass_cancel",
        /// Amended to no more than it had filled.
        Amended = 3 "amended",
        /// A market order found nothing more.
        NoLiquidity = 4 "no_liquidity",
        /// The rest of an IOC order.
        ImmediateOrCancel = 5 "immediate_or_cancel",
        /// A FOK order could not trade in full.
        FillOrKill = 6 "fill_or_kill",
        /// Less than the minimum quantity was there (R21).
        MinimumQuantity = 7 "minimum_quantity",
        /// By self-trade prevention.
        SelfTrade = 8 "self_trade",
        /// Its `expire_at` has come.
        Expired = 9 "expired",
        /// A DAY order at the end of the session.
        SessionClosed = 10 "session_closed",
        /// A market aggressor reached the band's edge (R28).
        PriceOutOfBand = 11 "price_out_of_band",
        /// The circuit breaker stopped its aggressor (R28).
        Halted = 12 "halted",
        /// Its event was settled (R32).
        Settled = 13 "settled",
    }
}

impl OrderType {
    /// Does it wait for a stop price (R15)?
    #[inline(always)]
    pub const fn is_stop(self) -> bool {
        self as u8 >= OrderType::Stop as u8
    }

    /// Does its stop price follow the market?
    pub const fn is_trailing(self) -> bool {
        self as u8 >= OrderType::TrailingStop as u8
    }

    /// Has it a limit price?
    pub const fn has_limit(self) -> bool {
        matches!(self, OrderType::Limit | OrderType::StopLimit | OrderType::TrailingStopLimit)
    }
}

impl Phase {
    /// Are orders collected for an uncross (R26)?
    pub const fn collects(self) -> bool {
        matches!(self, Phase::PreOpen | Phase::Auction)
    }
}

impl Side {
    /// The other side.
    #[inline(always)]
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }
}
