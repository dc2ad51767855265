"""Accounts and money."""

import msgspec

from aeromatch.schema.base import Amount, Answer, DecimalText, Name, Request

__all__ = [
    "Account",
    "AccountList",
    "Balance",
    "BalanceList",
    "Deposit",
    "MoveResult",
    "NewAccount",
    "Position",
    "SetMove",
    "Transfer",
]


class NewAccount(Request):
    """An account to make."""

    account: Name


class Account(Answer):
    """An account, and whether it may trade: `killed` says that its kill switch is on."""

    account: str
    killed: bool = False


class AccountList(Answer):
    """Accounts in the order in which they were made, and where to go on: null at the end."""

    accounts: list[Account]
    next_cursor: str | None = None


class Balance(Answer):
    """What an account has of an asset in a clearing group: `held` is bound by its orders."""

    account: str | None
    asset: str
    group: str
    available: DecimalText
    held: DecimalText
    total: DecimalText


class Position(Answer):
    """What an account bought and sold of an instrument."""

    account: str | None
    symbol: str
    quantity: DecimalText
    bought_quantity: DecimalText
    bought_notional: DecimalText
    sold_quantity: DecimalText
    sold_notional: DecimalText
    fees: DecimalText


class BalanceList(Answer):
    """Balances and positions of an account."""

    balances: list[Balance]
    positions: list[Position]


class Deposit(Request):
    """Money that comes in; a withdrawal has the same fields. An `id` that was used is refused: nothing moves twice."""

    account: Name
    asset: Name
    amount: Amount
    id: str
    group: Name = "main"


class Transfer(Request):
    """Money that goes from one clearing group to another, within an account."""

    account: Name
    asset: Name
    amount: Amount
    source: Name
    target: Name
    id: str


class SetMove(Request):
    """Sets of an event's outcomes that are minted from money, or redeemed for it."""

    account: Name
    quantity: Amount


class MoveResult(Answer):
    """What a movement left: the balances that it changed."""

    sequence: int
    timestamp: int
    balances: list[Balance] = msgspec.field(default_factory=list)
