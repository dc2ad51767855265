"""R2 to R5, R8, R24, R33 over many instruments: one log, time by clearing group, names, what is refused."""

from __future__ import annotations

import random

import pytest
from tests.exchanges import EXCHANGES, Native, Reference, open_exchange
from tests.model.exchange_compare import slots_of
from tests.rules.conftest import Play
from tests.rules.exchange_notation import Names

U64_MAX = 2**64 - 1

TWO_GROUPS = """
    ! instrument A base=COIN/0 quote=USD/2
    ! instrument B base=COIN/0 quote=USD/2 number=9
    ! instrument C base=COIN/0 quote=USD/2 group=other
    ! instrument PLAIN
    ! account alice
    ! deposit alice USD 1000
    ! deposit alice USD 1000 group=2
"""


def test_R2_a_clearing_group_has_one_time(play_exchange: Play) -> None:
    play_exchange(
        TWO_GROUPS
        + """
    ! on A new buy 1 @ 10 gtd until=50 account=alice
    ! on B new buy 1 @ 10 gtd until=40 account=alice
    ! on C new buy 1 @ 10 gtd until=45 account=alice
    ! on PLAIN new buy 1 @ 10 gtd until=45
    on B new buy 1 @ 9 account=alice time=60           -- by due time, over all books of the group
      canceled #1 buy 1 @ 10 expired account=alice
      canceled A#1 buy 1 @ 10 expired account=alice on=A
      accepted #2 buy 1 @ 9 account=alice time=60
      funds alice USD 991 + 9
    on A time 5                                        -- later for the others of the group too
      accepted time=60
    on PLAIN time 44
      accepted time=44
    deposit alice USD 1 group=other time=44            -- the other group is not there yet
      accepted account=alice time=44
      funds alice USD 991 + 10 in other
    everywhere time 70
      canceled C#1 buy 1 @ 10 expired account=alice on=C
      canceled PLAIN#1 buy 1 @ 10 expired on=PLAIN
      accepted time=70
      funds alice USD 1001 + 0 in other
    """
    )


def test_R2_expiries_come_before_the_ends_of_halts(play_exchange: Play) -> None:
    play_exchange("""
        ! instrument A base=COIN/0 quote=USD/2 breaker=5 halt=30
        ! instrument B base=COIN/0 quote=USD/2
        ! account alice
        ! account bob
        ! deposit alice USD 10000
        ! deposit bob COIN 10
        ! on A new sell 1 @ 100 account=bob
        ! on A new sell 1 @ 110 account=bob
        ! on A new buy 1 @ 100 account=alice
        ! on B new buy 1 @ 10 gtd until=40 account=alice
        on A new buy 1 @ 110 gtd until=40 account=alice time=10
          accepted #4 buy 1 @ 110 account=alice time=10
          phase halted
          funds alice USD 9780 + 120
        everywhere time 40
          canceled A#4 buy 1 @ 110 expired account=alice on=A
          canceled B#1 buy 1 @ 10 expired account=alice on=B
          phase auction on=A
          accepted time=40
          funds alice USD 9900 + 0
    """)


def test_R2_the_end_of_time_is_a_time(play_exchange: Play) -> None:
    play_exchange(f"""
        ! event rain yes no unit=100
        ! instrument PLAIN
        everywhere time {U64_MAX}
          accepted time={U64_MAX}
        on rain/yes time {U64_MAX}
          accepted time={U64_MAX}
        settle rain yes time={U64_MAX}
          accepted time={U64_MAX}
          phase closed on=rain/yes
          settled rain full yes
    """)


def test_R2_what_is_made_moves_the_time_of_the_registry_alone(play_exchange: Play) -> None:
    play_exchange("""
        ! instrument PLAIN
        ! instrument OTHER
        ! on PLAIN time 30
        account alice time=20
          accepted time=20
          created account alice
        on OTHER time 5
          accepted time=5
        on ?symbol time 99                              -- nobody's time
          rejected unknown_instrument time=20
        group main time=10
          accepted time=20
          created group main
        on PLAIN time 10
          accepted time=30
    """)


def test_R4_one_sequence_for_all_and_trades_by_instrument(play_exchange: Play) -> None:
    play_exchange("""
        ! instrument A
        ! instrument B
        on A new buy 2 @ 10 sequence=100
          accepted #1 buy 2 @ 10
        on B new buy 1 @ 10
          accepted #1 buy 1 @ 10
        on A new sell 1 @ 10
          accepted #2 sell 1 @ 10
          trade 1 sell 1 @ 10 maker #1 taker #2
        on B new sell 1 @ 10
          accepted #2 sell 1 @ 10
          trade 1 sell 1 @ 10 maker #1 taker #2
        account alice sequence=7
          accepted
          created account alice
    """)


def test_R5_instruments_take_the_number_they_ask_for_or_the_lowest_free(play_exchange: Play) -> None:
    play_exchange("""
        instrument A number=2
          accepted
          created instrument A
        ! instrument B
        ! instrument C
        on C new buy 1 @ 10 id=x
          accepted #1 buy 1 @ 10
        on B new buy 1 @ 10 id=x                         -- client order ids are by instrument
          accepted #1 buy 1 @ 10
        on B new buy 1 @ 10 id=x
          rejected duplicate_client_order_id buy #1
        instrument D number=2
          rejected already_exists
        instrument A number=8
          rejected already_exists
        instrument D number=16777216
          rejected invalid_combination
        ! instrument D number=16777215
        on D new buy 1 @ 10
          accepted #1 buy 1 @ 10
    """)


def test_R24_a_mass_cancel_goes_through_all_instruments_in_order(play_exchange: Play) -> None:
    play_exchange(
        TWO_GROUPS
        + """
    ! on PLAIN new buy 1 @ 10 account=alice
    ! on PLAIN new sell 1 @ 20 account=alice
    ! on C new buy 1 @ 10 account=alice
    ! on B new buy 2 @ 10 account=alice
    ! on A new buy 3 @ 10 account=alice
    ! on A stop-limit buy 4 @ 10 stop=99 account=alice
    everywhere mass-cancel buy account=alice tag=5
      accepted account=alice tag=5
      canceled A#1 buy 3 @ 10 mass_cancel account=alice on=A
      canceled A#2 buy 4 @ 10 mass_cancel account=alice on=A
      canceled C#1 buy 1 @ 10 mass_cancel account=alice on=C
      canceled PLAIN#1 buy 1 @ 10 mass_cancel account=alice on=PLAIN
      canceled B#1 buy 2 @ 10 mass_cancel account=alice on=B
      funds alice USD 1000 + 0
      funds alice USD 1000 + 0 in other
    everywhere mass-cancel
      accepted
      canceled PLAIN#2 sell 1 @ 20 mass_cancel account=alice on=PLAIN
    everywhere mass-cancel account=?eve
      rejected unknown_account account=4294967295
    everywhere new buy 1 @ 10
      rejected unknown_instrument buy
    """
    )


def test_R8_unknown_names_come_first(play_exchange: Play) -> None:
    play_exchange(
        TWO_GROUPS
        + """
    on ?symbol new buy 0 @ 10 account=?eve
      rejected unknown_instrument buy account=4294967295
    on A new buy 0 @ 10 account=?eve
      rejected unknown_account buy account=4294967295
    on A new buy 0 @ -10
      rejected unknown_account buy                      -- settled: nobody cannot pay
    on A cancel #7 account=77
      rejected unknown_account account=77
    on A cancel #7
      rejected unknown_order
    deposit ?eve ?coin 0 group=?group
      rejected unknown_account account=4294967295
    deposit alice ?coin 0 group=?group
      rejected unknown_asset account=alice
    deposit alice USD 0 group=?group
      rejected unknown_group account=alice
    deposit alice USD 0
      rejected invalid_quantity account=alice
    """
    )


def test_R8_insufficient_funds_has_its_place(play_exchange: Play) -> None:
    play_exchange(
        """
    ! instrument A base=COIN/0 quote=USD/2 window=50
    ! account alice
    ! deposit alice USD 100
    ! deposit alice COIN 1
    ! on A new sell 1 @ 50 account=alice id=x
    on A new buy 99 @ 50 account=alice id=x             -- a duplicate before that
      rejected duplicate_client_order_id buy #1 account=alice
    on A new buy 99 @ 50 post-only account=alice        -- post-only after it
      rejected insufficient_funds buy account=alice
    on A new buy 1 @ 50 post-only account=alice
      rejected post_only_would_take buy account=alice
    on A new buy 99 @ 50 gtd until=1 account=alice time=1
      rejected expired buy account=alice time=1
    """
    )


def test_R33_what_is_there_is_not_made_again(play_exchange: Play) -> None:
    play_exchange("""
        ! event rain yes no unit=100
        ! account alice
        ! instrument PLAIN
        asset USD 2
          rejected already_exists
        asset GOLD 19
          rejected invalid_quantity
        asset rain/yes 0
          rejected invalid_name
        group main
          rejected already_exists
        account alice
          rejected already_exists
        instrument PLAIN
          rejected already_exists
        instrument rain/no
          rejected already_exists
        event rain yes no unit=100
          rejected already_exists
        event snow yes yes unit=100
          rejected invalid_combination
        event a/b yes no unit=100
          rejected invalid_name
        event snow yes no unit=100 currency=USD/3
          rejected invalid_quantity
        event snow yes no unit=100 lot=0
          rejected invalid_quantity
        instrument COIN base=USD/2 quote=USD/2
          rejected invalid_combination
        instrument COIN base=COIN/0 quote=USD/2 tick=0
          rejected invalid_quantity
        instrument COIN base=COIN/0 quote=USD/4
          rejected invalid_quantity
        instrument PLAIN-2 band=5
          rejected invalid_combination
        instrument COIN base=COIN/0 quote=USD/2 reference=-1
          rejected invalid_price
        event snow yes no unit=100 reference=100
          rejected invalid_price
    """)


SETUP = (
    "event rain yes no unit=100", "account alice", "deposit alice USD 5000 id=d-1", "mint rain alice 5",
    "instrument PLAIN reference=10 band=3 breaker=2 halt=9", "on rain/no new buy 3 @ 40 account=alice id=x",
    "transfer alice USD 5 main main id=t-1", "settle rain scalar 40 60", "everywhere mass-cancel account=alice",
)  # fmt: skip


def test_R33_damaged_slots_are_refused_by_both_or_mean_the_same() -> None:
    """Any byte may be anything: native exchange and reference refuse the same slots and carry out the same ones."""
    rng = random.Random(33)
    taken = 0
    for _ in range(1_500):
        native, reference = Native(), Reference()
        names = Names(reference.exchange)
        spoiled = rng.randrange(len(SETUP))
        for number, line in enumerate(SETUP):
            try:
                slots = bytearray(slots_of(names.read(line)))
            except KeyError:  # what a line before it would have made has another name now
                break
            for _ in range(rng.randint(1, 2) if number == spoiled else 0):
                at = rng.choice((rng.randrange(len(slots)), rng.randrange(64)))
                slots[at] = rng.choice((0, 1, 2, 4, 8, 16, 32, 65, 128, 255))
            try:
                wanted = reference.process(bytes(slots))
            except ValueError:
                with pytest.raises(ValueError, match=r"\w"):
                    native.process(bytes(slots))
                break
            taken += number == spoiled
            assert native.process(bytes(slots)) == wanted
            assert native.digest() == reference.digest()
    assert 200 < taken < 1_300


@pytest.mark.parametrize("name", EXCHANGES)
def test_R33_nothing_of_a_batch_happens_if_a_slot_is_none(name: str) -> None:
    exchange, names = open_exchange(name), Names(Reference().exchange)
    before = exchange.digest()
    account = slots_of(names.read("account alice"))
    for bad in (account[:64], account[:127], bytes(64), account[:64] + bytes(64)):
        with pytest.raises(ValueError, match=r"\w"):
            exchange.process(account + bad)
    assert exchange.digest() == before
