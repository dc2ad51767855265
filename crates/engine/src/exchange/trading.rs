//! Commands about orders that do not go straight to a book: for settled instruments (R30), for the second outcome of an event
//! (R32), for all instruments at once (R24), and for none.

use super::numbered::Numbered;
use super::time::act;
use super::{Exchange, Route};
use crate::codes::{CommandKind, RejectReason, Side};
use crate::ledger::{SettlementTerms, Settling};
use crate::record::{ALL_INSTRUMENTS, Command, EventSink, Extensions, NO_SIDE, Terms, UNKNOWN, flag, present};
use std::sync::Arc;

impl Exchange {
    #[inline(never)]
    pub(super) fn apply_any(&mut self, c: &Command, x: &Extensions, sink: &mut dyn EventSink) {
        let mut out = self.next_output(c, sink);
        let route = self.route(c.instrument);
        let kind = CommandKind::from_code(c.kind);
        let is_for_all = matches!(kind, Some(CommandKind::MassCancel | CommandKind::AdvanceTime));
        if c.instrument == ALL_INSTRUMENTS && is_for_all {
            self.apply_to_all(c, &mut out);
        } else if self.markets.get(route.place()).is_none() {
            self.reject(c, RejectReason::UnknownInstrument, &mut out);
        } else if route.is_settled() {
            self.ledger.begin();
            self.apply_settled(route, c, x, &mut out);
            self.ledger.emit_changes(&mut out);
        } else {
            let command = Command { sequence: out.sequence, ..*c };
            let market = &mut self.markets[route.place()];
            out.book(market.number);
            market.book.refuse(&command, RejectReason::UnknownAccount, &mut out);
        }
    }

    /// R24, R2: every book in order of its number.
    fn apply_to_all(&mut self, c: &Command, out: &mut Numbered<'_>) {
        self.ledger.begin();
        self.begin_broadcast(c, out);
        self.move_all(c.timestamp_ns, out);
        if c.account == UNKNOWN {
            self.reject(c, RejectReason::UnknownAccount, out);
        } else {
            self.accept(c, out);
            out.is_answered = true;
            for place in self.places_by_number() {
                let command = self.for_book(place, c, out.sequence);
                act!(self, place, out, |book, sink| book.apply(&command, &Extensions::NONE, sink));
                self.note_due(place);
            }
        }
        self.ledger.emit_changes(out);
    }

    /// The command as the book at that place takes it: time is what it is there.
    fn for_book(&self, place: usize, c: &Command, sequence: u64) -> Command {
        let market = &self.markets[place];
        let timestamp_ns = match &market.terms {
            Some(terms) => self.clocks[terms.group as usize - 1].now_ns,
            None => c.timestamp_ns,
        };
        Command { instrument: market.number, sequence, timestamp_ns, ..*c }
    }

    fn apply_settled(&mut self, route: Route, c: &Command, x: &Extensions, out: &mut Numbered<'_>) {
        let (place, is_mirror) = (route.place(), route.is_mirror());
        let Some(terms) = self.markets[place].terms.as_ref().map(Arc::clone) else {
            return;
        };
        self.move_group(terms.group, c.timestamp_ns, out);
        let command = self.for_book(place, c, out.sequence);
        let verdict = self.verdict(&terms, is_mirror, c, x);
        let market = &mut self.markets[place];
        out.book(market.number);
        match verdict {
            Err(reason) => {
                let (command, _) = translate(&command, &Extensions::NONE, &terms, is_mirror);
                market.book.refuse(&command, reason, out);
            }
            Ok(verdict) => {
                let (command, extensions) = verdict.translated(&command, x, &terms, is_mirror);
                let mut sink = Settling::new(&mut self.ledger, &terms, out);
                sink.faults = verdict.faults;
                sink.is_mirror = is_mirror;
                sink.protection_ticks = extensions.terms.filter(has_protection).map(|t| t.protection_price_ticks);
                market.book.apply(&command, &extensions, &mut sink);
            }
        }
        self.note_due(place);
    }

    /// What the exchange has to say before the book does.
    fn verdict(
        &self,
        terms: &SettlementTerms,
        is_mirror: bool,
        c: &Command,
        x: &Extensions,
    ) -> Result<Verdict, RejectReason> {
        let kind = CommandKind::from_code(c.kind);
        let is_nobody = c.account == 0 && kind != Some(CommandKind::New);
        if !is_nobody && !self.registry.accounts.contains(c.account) {
            return Err(RejectReason::UnknownAccount);
        }
        match kind {
            Some(CommandKind::New) => {
                let side = if c.side == Side::Sell.code() { Side::Sell } else { Side::Buy };
                let assessment = self.ledger.assess_new(terms, is_mirror, side, c, x);
                Ok(Verdict { faults: assessment.faults, protection_ticks: assessment.protection_ticks })
            }
            Some(CommandKind::Amend) => {
                let named = x.client_id.and_then(|id| self.book(terms.instrument)?.order_by_client_id(c.account, &id));
                let order_id = named.map_or(c.order_id, |order| order.order_id);
                let in_book = translate(c, &Extensions::NONE, terms, is_mirror).0;
                Ok(Verdict { faults: self.ledger.assess_amend(terms, order_id, &in_book), protection_ticks: None })
            }
            Some(CommandKind::Phase) if terms.event != 0 && self.ledger.is_settled(terms.event) => {
                Err(RejectReason::AlreadySettled)
            }
            _ => Ok(Verdict { faults: 0, protection_ticks: None }),
        }
    }
}

struct Verdict {
    faults: u8,
    /// What a budget affords, in the order's own terms.
    protection_ticks: Option<i64>,
}

impl Verdict {
    /// The command as its book takes it: a budget has become a protection price, the second outcome's prices the first's.
    fn translated(
        &self,
        c: &Command,
        x: &Extensions,
        terms: &SettlementTerms,
        is_mirror: bool,
    ) -> (Command, Extensions) {
        let mut extensions = *x;
        if let Some(budgeted) = extensions.terms.as_mut().filter(|terms| terms.present & present::BUDGET != 0) {
            budgeted.present &= !present::BUDGET;
            budgeted.protection_price_ticks = self.protection_ticks.unwrap_or(0);
            if self.protection_ticks.is_some() {
                budgeted.present |= present::PROTECTION;
            }
        }
        translate(c, &extensions, terms, is_mirror)
    }
}

fn has_protection(terms: &Terms) -> bool {
    terms.present & present::PROTECTION != 0
}

/// R32: buying the second outcome at p is selling the first at 1 - p.
fn translate(c: &Command, x: &Extensions, terms: &SettlementTerms, is_mirror: bool) -> (Command, Extensions) {
    if !is_mirror {
        return (*c, *x);
    }
    let (mut command, mut extensions) = (*c, *x);
    let mut leaves_64_bits = false;
    let mut across = |price_ticks: i64| {
        let other = i64::from(terms.unit_ticks).checked_sub(price_ticks);
        leaves_64_bits |= other.is_none();
        other.unwrap_or(0)
    };
    if command.side != NO_SIDE {
        command.side ^= 1;
    }
    if command.flags & flag::PRICE != 0 {
        command.price_ticks = across(command.price_ticks);
    }
    if let Some(terms) = &mut extensions.terms {
        if terms.present & present::STOP != 0 {
            terms.stop_price_ticks = across(terms.stop_price_ticks);
        }
        if terms.present & present::PROTECTION != 0 {
            terms.protection_price_ticks = across(terms.protection_price_ticks);
        }
    }
    if leaves_64_bits {
        command.flags |= flag::PRICE_OFF_GRID; // R1: arithmetic that leaves 64 bits is `invalid_price`
    }
    (command, extensions)
}
