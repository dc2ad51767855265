"""The phases of R26 that exist so far: continuous, halted and closed."""

from __future__ import annotations

from tests.rules.conftest import Play


def test_R26_a_book_starts_continuous(play: Play) -> None:
    play("""
        phase continuous
          accepted
        new buy 1 @ 10
          accepted #1 buy 1 @ 10
    """)


def test_R26_any_phase_may_follow_any(play: Play) -> None:
    play("""
        phase closed
          accepted
          phase closed
        phase halted
          accepted
          phase halted
        phase continuous
          accepted
          phase continuous
        phase halted
          accepted
          phase halted
        phase closed
          accepted
          phase closed
        phase continuous
          accepted
          phase continuous
    """)


def test_R26_the_same_again_has_no_effect(play: Play) -> None:
    play("""
        new buy 1 @ 10 day
          accepted #1 buy 1 @ 10
        phase closed
          accepted
          phase closed
          canceled #1 buy 1 @ 10 session_closed
        phase closed
          accepted
        phase halted
          accepted
          phase halted
        phase halted
          accepted
    """)


def test_R26_halted_and_closed_let_only_cancels_in(play: Play) -> None:
    play("""
        new buy 1 @ 10
          accepted #1 buy 1 @ 10
        new buy 1 @ 10
          accepted #2 buy 1 @ 10
        phase halted
          accepted
          phase halted
        new buy 1 @ 10
          rejected not_allowed_in_phase buy
        market sell 1
          rejected not_allowed_in_phase sell
        cancel #1
          accepted #1
          canceled #1 buy 1 @ 10 requested
        phase closed
          accepted
          phase closed
        new sell 1 @ 10
          rejected not_allowed_in_phase sell
        cancel #2
          accepted #2
          canceled #2 buy 1 @ 10 requested
    """)


def test_R26_a_halt_ends_no_order(play: Play) -> None:
    play("""
        new buy 1 @ 10 day
          accepted #1 buy 1 @ 10
        phase halted
          accepted
          phase halted
        phase continuous
          accepted
          phase continuous
        = 1 @ 10 #1 |
    """)
