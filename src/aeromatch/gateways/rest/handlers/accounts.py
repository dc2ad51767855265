"""Accounts, and money that moves."""

from typing import Final

from aeromatch._core import Balance as Held
from aeromatch._core import Exchange, Receipt
from aeromatch._core import Position as Traded
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.rest.cursors import cursor_of, place_of
from aeromatch.gateways.rest.handlers.orders import BODY, Cursor, Limit
from aeromatch.gateways.rest.routes import Request, Route
from aeromatch.gateways.services import RefusedError
from aeromatch.gateways.trading import answered, decimal_text
from aeromatch.schema.accounts import (
    Account,
    AccountList,
    Balance,
    BalanceList,
    Deposit,
    MoveResult,
    NewAccount,
    Position,
    Transfer,
)
from aeromatch.schema.base import Request as Form

__all__ = ["ROUTES", "moved"]


class PageQuery(Form):
    """Which page."""

    limit: Limit = 100
    cursor: Cursor | None = None


HELD: Final = {
    "account": "alice",
    "asset": "USD",
    "group": "main",
    "available": "67875.00",
    "held": "32125.00",
    "total": "100000.00",
}
TRADED: Final = {
    "account": "alice",
    "symbol": "BTC-USD",
    "quantity": "0.125",
    "bought_quantity": "0.125",
    "bought_notional": "8031.25",
    "sold_quantity": "0.000",
    "sold_notional": "0.00",
    "fees": "4.02",
}
MOVED: Final = {"sequence": 45, "timestamp": 1767225600000000000, "balances": [HELD]}


def _unknown(account: str) -> RefusedError:
    return refusal("unknown_account", f"there is no account {account!r}")


def _own(request: Request) -> str:
    """The account in the path, if there is one and the key may look at it."""
    account = request.path["account"]
    request.services.admission.account_for(request.principal, account)
    try:
        request.services.exchange.account_number(account)
    except LookupError:
        raise _unknown(account) from None
    return account


async def get_accounts(request: Request) -> AccountList:
    """`GET /accounts`."""
    query, admission = request.query, request.services.admission
    own = admission.account_for(request.principal, None)
    names = request.services.exchange.accounts() if own is None else (own,)
    first = 0 if query.cursor is None else place_of("accounts", query.cursor)
    last = first + query.limit
    page = [Account(account=name, killed=admission.is_killed(name)) for name in names[first:last]]
    return AccountList(accounts=page, next_cursor=cursor_of("accounts", last) if last < len(names) else None)


async def get_account(request: Request) -> Account:
    """`GET /accounts/{account}`."""
    account = _own(request)
    return Account(account=account, killed=request.services.admission.is_killed(account))


async def new_account(request: Request) -> Account:
    """`POST /accounts`."""
    account = request.body.account
    tag = request.services.admission.audit(request.principal, "create_account", account=account)
    await answered(request.services.exchange.create_account(account, tag=tag))
    return Account(account=account, killed=request.services.admission.is_killed(account))


async def get_balances(request: Request) -> BalanceList:
    """`GET /accounts/{account}/balances`."""
    account = _own(request)

    def look(exchange: Exchange) -> tuple[tuple[Held, ...], tuple[Traded, ...]]:
        return exchange.balances(account), exchange.positions(account)

    balances, positions = await request.trading.reads.read(look)
    return BalanceList(
        balances=[_balance(balance) for balance in balances], positions=[_position(each) for each in positions]
    )


def _balance(balance: Held) -> Balance:
    return Balance(
        account=balance.account,
        asset=balance.asset or "",
        group=balance.group or "",
        available=decimal_text(balance.available),
        held=decimal_text(balance.held),
        total=decimal_text(balance.total),
    )


def _position(position: Traded) -> Position:
    return Position(
        account=position.account,
        symbol=position.symbol,
        quantity=decimal_text(position.quantity),
        bought_quantity=decimal_text(position.bought_quantity),
        bought_notional=decimal_text(position.bought_notional),
        sold_quantity=decimal_text(position.sold_quantity),
        sold_notional=decimal_text(position.sold_notional),
        fees=decimal_text(position.fees),
    )


def moved(receipt: Receipt) -> MoveResult:
    """What a movement of money left."""
    balances = []
    for event in receipt.events:
        if event.kind == "funds" and event.available is not None and event.held is not None:
            balances.append(
                Balance(
                    account=event.account,
                    asset=event.asset or "",
                    group=event.group or "",
                    available=decimal_text(event.available),
                    held=decimal_text(event.held),
                    total=decimal_text(event.available + event.held),
                )
            )
    return MoveResult(sequence=receipt.sequence, timestamp=receipt.timestamp, balances=balances)


async def deposit(request: Request) -> MoveResult:
    """`POST /deposits`."""
    return await _move(request, "deposit")


async def withdraw(request: Request) -> MoveResult:
    """`POST /withdrawals`."""
    return await _move(request, "withdraw")


async def _move(request: Request, action: str) -> MoveResult:
    body: Deposit = request.body
    exchange = request.services.exchange
    tag = request.services.admission.audit(
        request.principal, action, account=body.account, asset=body.asset, amount=str(body.amount), id=body.id
    )
    command = exchange.deposit if action == "deposit" else exchange.withdraw
    receipt = await answered(command(body.account, body.asset, body.amount, group=body.group, id=body.id, tag=tag))
    return moved(receipt)


async def transfer(request: Request) -> MoveResult:
    """`POST /transfers`."""
    body: Transfer = request.body
    request.services.admission.account_for(request.principal, body.account)
    tag = request.services.admission.audit(
        request.principal, "transfer", account=body.account, asset=body.asset, amount=str(body.amount), id=body.id
    )
    receipt = await answered(
        request.services.exchange.transfer(
            body.account, body.asset, body.amount, source=body.source, target=body.target, id=body.id, tag=tag
        )
    )
    return moved(receipt)


MONEY: Final = (
    *BODY,
    "unknown_account",
    "unknown_asset",
    "unknown_group",
    "duplicate_transfer",
    "invalid_quantity",
    "invalid_name",
    "capacity",
)
BROUGHT: Final = {"account": "alice", "asset": "USD", "amount": "100000", "id": "wire-1"}

ROUTES: Final = (
    Route(
        method="GET",
        path="/accounts",
        handler=get_accounts,
        summary="List accounts",
        description="All accounts in the order in which they were made; a key of one account sees that one.",
        tag="accounts",
        query=PageQuery,
        answer=AccountList,
        problems=("invalid_cursor",),
        answer_example={"accounts": [{"account": "alice", "killed": False}], "next_cursor": None},
    ),
    Route(
        method="POST",
        path="/accounts",
        handler=new_account,
        role="admin",
        summary="Make an account",
        description="Makes an account. It has nothing yet, and can trade what needs no settlement.",
        tag="accounts",
        request=NewAccount,
        answer=Account,
        status=201,
        problems=(*BODY, "already_exists", "invalid_name", "capacity"),
        example={"account": "alice"},
        answer_example={"account": "alice", "killed": False},
    ),
    Route(
        method="GET",
        path="/accounts/{account}",
        handler=get_account,
        summary="Read an account",
        description="Whether there is such an account, and whether it may trade.",
        tag="accounts",
        answer=Account,
        problems=("unknown_account",),
        answer_example={"account": "alice", "killed": False},
    ),
    Route(
        method="GET",
        path="/accounts/{account}/balances",
        handler=get_balances,
        summary="Read balances and positions",
        description="What an account has of each asset, and what it traded of each instrument with settlement (R30).",
        tag="accounts",
        answer=BalanceList,
        problems=("unknown_account",),
        answer_example={"balances": [HELD], "positions": [TRADED]},
    ),
    Route(
        method="POST",
        path="/deposits",
        handler=deposit,
        role="admin",
        summary="Bring money in",
        description="Money, or anything else that is traded, comes in. An `id` that was used is refused.",
        tag="money",
        request=Deposit,
        answer=MoveResult,
        status=201,
        problems=MONEY,
        example=BROUGHT,
        answer_example=MOVED,
    ),
    Route(
        method="POST",
        path="/withdrawals",
        handler=withdraw,
        role="admin",
        summary="Take money out",
        description="Money, or anything else that is traded, goes out. An `id` that was used is refused.",
        tag="money",
        request=Deposit,
        answer=MoveResult,
        status=201,
        problems=(*MONEY, "insufficient_funds"),
        example={**BROUGHT, "amount": "500", "id": "wire-2"},
        answer_example=MOVED,
    ),
    Route(
        method="POST",
        path="/transfers",
        handler=transfer,
        role="trade",
        summary="Move money between clearing groups",
        description="An account's money goes from one clearing group to another (R30). A used `id` is refused.",
        tag="money",
        request=Transfer,
        answer=MoveResult,
        status=201,
        problems=(*MONEY, "insufficient_funds"),
        example={"account": "alice", "asset": "USD", "amount": "10", "source": "main", "target": "second", "id": "t-1"},
        answer_example=MOVED,
    ),
)
