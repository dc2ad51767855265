//! Commands about funds: deposits and withdrawals (R30), sets of an event's shares and its settlement (R32).

use super::Exchange;
use super::admin::check;
use super::numbered::Numbered;
use super::records::Admin;
use crate::codes::{AdminKind, EventKind, RejectReason as Reject, SettlementMode};
use crate::ledger::{LIMIT_UNITS, LONGEST_ID};
use crate::record::{Event, EventSink};

impl Exchange {
    /// The clearing group that a command is about, so whose time it moves (R2), if its funds are kept here: of a transfer the one
    /// that they leave.
    fn group_of(&self, admin: &Admin) -> Option<u32> {
        let group = match admin.kind {
            // The second half of a transfer moves time only if it arrives.
            _ if admin.is_second_half() => None,
            AdminKind::Deposit | AdminKind::Withdraw | AdminKind::Transfer => Some(admin.group()),
            AdminKind::Mint | AdminKind::Redeem | AdminKind::Settle => {
                self.registry.event(admin.command.instrument).map(|info| info.group)
            }
            _ => None,
        };
        group.filter(|&group| self.has_group(group))
    }

    /// What time it is for a command that no book answers: that of the clearing group it is about, so that the answer does not
    /// depend on what else the exchange has (R3); else the registry's.
    pub(super) fn time_for(&self, admin: &Admin) -> u64 {
        self.group_of(admin).and_then(|group| self.group_now_ns(group)).unwrap_or(self.now_ns)
    }

    /// The command moves the time of its group.
    pub(super) fn begin_time(&mut self, admin: &Admin, out: &mut Numbered<'_>) {
        if let Some(group) = self.group_of(admin) {
            self.move_group(group, admin.command.timestamp_ns, out);
        }
    }

    /// A deposit or a withdrawal.
    pub(super) fn move_funds(&mut self, admin: &Admin, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let c = &admin.command;
        let (asset, account, group) = (c.instrument, c.account, admin.group());
        self.begin_time(admin, out);
        self.check_funds(admin, self.has_group(group))?;
        let id = admin.texts.first().map(String::as_bytes);
        match admin.kind {
            AdminKind::Deposit => self.ledger.deposit(group, account, asset, admin.amount(), id)?,
            _ => self.ledger.withdraw(group, account, asset, admin.amount(), id)?,
        }
        self.accept_at(c, self.time_for(admin), out);
        self.ledger.emit_changes(out);
        Ok(())
    }

    /// What is wrong with a movement of funds, before it is asked whether they are there (D49).
    pub(super) fn check_funds(&self, admin: &Admin, has_groups: bool) -> Result<(), Reject> {
        let registry = &self.registry;
        check(registry.accounts.contains(admin.command.account), Reject::UnknownAccount)?;
        check(registry.assets.contains(admin.command.instrument), Reject::UnknownAsset)?;
        check(has_groups, Reject::UnknownGroup)?;
        check(admin.texts.iter().all(|id| id.len() <= LONGEST_ID), Reject::InvalidName)?;
        check((1..=LIMIT_UNITS).contains(&admin.amount()), Reject::InvalidQuantity)?;
        let goes_nowhere = admin.kind == AdminKind::Transfer && admin.group() == admin.target_group();
        check(!registry.is_share(admin.command.instrument) && !goes_nowhere, Reject::InvalidCombination)
    }

    /// Cash becomes full sets of shares, or full sets become cash.
    pub(super) fn convert(&mut self, admin: &Admin, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let c = &admin.command;
        let (event, account, lots) = (c.instrument, c.account, c.quantity_lots);
        self.begin_time(admin, out);
        check(self.registry.accounts.contains(account), Reject::UnknownAccount)?;
        check(self.event_here(event).is_some(), Reject::UnknownEvent)?;
        check(!self.ledger.is_settled(event), Reject::AlreadySettled)?;
        check((1..=crate::record::MAX_QUANTITY_LOTS).contains(&lots), Reject::InvalidQuantity)?;
        if admin.kind == AdminKind::Mint {
            self.ledger.mint(event, account, lots)?;
        } else {
            self.ledger.redeem(event, account, lots)?;
        }
        self.accept_at(c, self.time_for(admin), out);
        self.ledger.emit_changes(out);
        Ok(())
    }

    /// R32: trading stops, what rests is canceled, and each share is paid what its outcome is worth, once.
    pub(super) fn settle(&mut self, admin: &Admin, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let c = &admin.command;
        let event = c.instrument;
        self.begin_time(admin, out);
        let info = self.event_here(event).ok_or(Reject::UnknownEvent)?;
        check(!self.ledger.is_settled(event), Reject::AlreadySettled)?;
        let count = info.outcomes.len();
        let is_full = c.order_type == SettlementMode::Full.code();
        check(!is_full || c.quantity_lots < count as u64, Reject::UnknownOutcome)?;
        let payouts = match &admin.payouts {
            None if is_full => {
                let winner = c.quantity_lots as usize;
                (0..count).map(|place| if place == winner { info.unit_ticks } else { 0 }).collect()
            }
            Some(payouts) if !is_full => {
                check(payouts.len() == count, Reject::UnknownOutcome)?;
                payouts.clone()
            }
            _ => return Err(Reject::InvalidCombination),
        };
        let sum: u64 = payouts.iter().map(|&ticks| u64::from(ticks)).sum();
        check(sum == u64::from(info.unit_ticks), Reject::InvalidPrice)?;
        check(is_full || c.quantity_lots == 0, Reject::InvalidCombination)?;
        self.accept_at(c, self.time_for(admin), out);
        let mut books: Vec<u32> = info.outcomes.iter().map(|outcome| outcome.instrument).collect();
        books.retain(|&instrument| !self.registry.instrument(instrument).is_some_and(|info| info.is_mirror));
        let (sequence, now_ns) = (out.sequence, self.time_for(admin));
        for instrument in books {
            let place = self.route(instrument).place();
            // What ends now ended at the group's time, which a book without anything due has not been told.
            self.markets[place].book.begin_time(now_ns);
            super::time::act!(self, place, out, |book, sink| book.wind_up(sequence, sink));
            self.note_due(place);
        }
        self.ledger.settle_event(event, &payouts);
        self.ledger.emit_changes(out);
        out.event(Event {
            reason: c.order_type,
            price_ticks: i64::from(payouts[0]),
            quantity_lots: c.quantity_lots,
            order_id: u64::from(event),
            ..Event::of(EventKind::Settled)
        });
        Ok(())
    }
}
