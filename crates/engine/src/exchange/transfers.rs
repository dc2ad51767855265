//! Transfers between clearing groups (R30), in two halves: funds leave one group and arrive in another. Each group's half is done
//! by its own time, so it is the same whether the groups live on one shard or on two (R3).
//!
//! One shard does both halves as one command. Over two, the source's shard gets the command first and answers it. If it accepted,
//! the funds have left for good, and the target's shard gets the same command, marked as the second half, which it can not refuse.
//! Between the two a crash may lie: so the first half is kept ([`Exchange::transfers_out`]), the second one too
//! ([`Exchange::has_transfer_in`]), and whoever finds the one without the other sends the second half again. What has arrived does
//! not arrive again. A command without the mark never brings funds that have not left, wherever it gets to; one with it is refused
//! where the funds would leave, which is where anybody's command goes first ([`super::records::Subject::Groups`]).

use super::Exchange;
use super::numbered::Numbered;
use super::records::Admin;
use crate::codes::{AdminKind, RejectReason as Reject, TransferPart};
use crate::ledger::{LIMIT_UNITS, LONGEST_ID};
use crate::snapshot::{Reader, SnapshotError};
use std::collections::{BTreeMap, BTreeSet};

/// Where a transfer's slot says which part of it is meant.
const PART_AT: usize = 4;

/// A transfer that has left for a clearing group of another shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferOut {
    /// The clearing group that the funds left.
    pub source: u32,
    /// The one that they go to.
    pub target: u32,
    /// Whose they are.
    pub account: u32,
    /// What they are.
    pub asset: u32,
    /// How much, in the asset's units.
    pub amount: u128,
    /// Unique among what came to the source or left it, for this account.
    pub id: Box<str>,
    /// The command's time, ns.
    pub timestamp_ns: u64,
}

impl TransferOut {
    fn of(admin: &Admin) -> TransferOut {
        TransferOut {
            source: admin.group(),
            target: admin.target_group(),
            account: admin.command.account,
            asset: admin.command.instrument,
            amount: admin.amount(),
            id: admin.texts.first().map(String::as_str).unwrap_or_default().into(),
            timestamp_ns: admin.command.timestamp_ns,
        }
    }

    /// The second half, for the target's shard: without the number and the tag that the command had for the source's.
    pub fn to_bytes(&self) -> Vec<u8> {
        let groups = u64::from(self.target) << 32 | u64::from(self.source);
        let mut admin =
            Admin::funds(AdminKind::Transfer, self.account, self.asset, self.amount, groups, Some(&self.id));
        admin.command.timestamp_ns = self.timestamp_ns;
        admin.command.order_type = TransferPart::Arrival.code();
        admin.to_bytes()
    }
}

/// A transfer's slots as its second half's, which goes to the target's shard once the source's has accepted the transfer.
pub fn second_half(slots: &[u8]) -> Vec<u8> {
    let mut half = slots.to_vec();
    if let Some(part) = half.get_mut(PART_AT) {
        *part = TransferPart::Arrival.code();
    }
    half
}

/// Halves of transfers whose other half is another shard's.
#[derive(Default)]
pub(super) struct Transfers {
    /// In the order in which they left.
    out: Vec<TransferOut>,
    /// Ids of those that arrived, by source, then account.
    arrived: BTreeMap<(u32, u32), BTreeSet<Box<str>>>,
}

impl Exchange {
    /// Transfers that left for clearing groups of other shards, in the order in which they did.
    pub fn transfers_out(&self) -> impl ExactSizeIterator<Item = &TransferOut> {
        self.transfers.out.iter()
    }

    /// Has that transfer arrived here from another shard?
    pub fn has_transfer_in(&self, source: u32, account: u32, id: &str) -> bool {
        self.transfers.has_arrived(source, account, id)
    }

    /// Both halves, or the one that is this shard's. The source decides and answers; the target's time only moves when funds come.
    pub(super) fn transfer(&mut self, admin: &Admin, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let (source, target) = (admin.group(), admin.target_group());
        if admin.is_second_half() {
            return self.take_in(admin, out);
        }
        self.begin_time(admin, out);
        self.check_funds(admin, self.has_group(source) && self.registry.groups.contains(target))?;
        let id = admin.texts.first().ok_or(Reject::InvalidCombination)?;
        self.ledger.send(source, admin.command.account, admin.command.instrument, admin.amount(), id.as_bytes())?;
        self.accept_at(&admin.command, self.time_for(admin), out);
        self.ledger.emit_changes(out);
        if self.has_group(target) {
            self.credit(admin, out);
        } else {
            self.transfers.out.push(TransferOut::of(admin));
        }
        Ok(())
    }

    /// The second half of what left another shard; once, however often it is told. What no shard can have accepted is refused.
    fn take_in(&mut self, admin: &Admin, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let (source, target) = (admin.group(), admin.target_group());
        let has_left_another = self.registry.groups.contains(source) && !self.has_group(source);
        self.check_funds(admin, has_left_another && self.has_group(target))?;
        let id = admin.texts.first().ok_or(Reject::InvalidCombination)?;
        if self.transfers.arrive(source, admin.command.account, id) {
            self.credit(admin, out);
        }
        Ok(())
    }

    fn credit(&mut self, admin: &Admin, out: &mut Numbered<'_>) {
        let (c, target) = (&admin.command, admin.target_group());
        self.move_group(target, c.timestamp_ns, out);
        self.ledger.receive(target, c.account, c.instrument, admin.amount());
        self.ledger.emit_changes(out);
    }

    /// Do those that left go from groups of this shard to groups of others, each once, and did the others come from such?
    pub(super) fn has_coherent_transfers(&self) -> bool {
        let Transfers { out, arrived } = &self.transfers;
        let is_elsewhere = |group| self.registry.groups.contains(group) && !self.has_group(group);
        let mut ids = BTreeSet::new();
        out.iter().all(|transfer| {
            let &TransferOut { source, target, account, asset, ref id, .. } = transfer;
            self.has_group(source)
                && is_elsewhere(target)
                && self.registry.assets.contains(asset)
                && self.ledger.has_used(account, source, id.as_bytes())
                && ids.insert((source, account, id))
        }) && arrived.keys().all(|&(source, account)| is_elsewhere(source) && self.registry.accounts.contains(account))
    }
}

impl Transfers {
    fn has_arrived(&self, source: u32, account: u32, id: &str) -> bool {
        self.arrived.get(&(source, account)).is_some_and(|ids| ids.contains(id))
    }

    /// Notes that it has arrived; false if it had before.
    fn arrive(&mut self, source: u32, account: u32, id: &str) -> bool {
        self.arrived.entry((source, account)).or_default().insert(id.into())
    }

    /// All of it, for the digest and for snapshots: docs/records.md.
    pub fn tell(&self, bytes: &mut impl FnMut(&[u8])) {
        bytes(&(self.out.len() as u64).to_le_bytes());
        for transfer in &self.out {
            let &TransferOut { source, target, account, asset, amount, ref id, timestamp_ns } = transfer;
            [source, target, account, asset].iter().for_each(|number| bytes(&number.to_le_bytes()));
            bytes(&amount.to_le_bytes());
            bytes(&timestamp_ns.to_le_bytes());
            tell_id(id, bytes);
        }
        let count: usize = self.arrived.values().map(BTreeSet::len).sum();
        bytes(&(count as u64).to_le_bytes());
        for (&(source, account), ids) in &self.arrived {
            for id in ids {
                [source, account].iter().for_each(|number| bytes(&number.to_le_bytes()));
                tell_id(id, bytes);
            }
        }
    }

    /// What [`Transfers::tell`] told.
    pub fn read(input: &mut Reader<'_>) -> Result<Transfers, SnapshotError> {
        let mut transfers = Transfers::default();
        for _ in 0..input.u64()? {
            let [source, target, account, asset] = [input.u32()?, input.u32()?, input.u32()?, input.u32()?];
            let (amount, timestamp_ns) = (input.u128()?, input.u64()?);
            input.check((1..=LIMIT_UNITS).contains(&amount), "a transfer of nothing, or of too much")?;
            let id = read_id(input)?;
            transfers.out.push(TransferOut { source, target, account, asset, amount, id, timestamp_ns });
        }
        let mut last = None;
        for _ in 0..input.u64()? {
            let arrived = ((input.u32()?, input.u32()?), read_id(input)?);
            input.check(last.as_ref() < Some(&arrived), "transfers out of order")?;
            let (key, id) = arrived.clone();
            transfers.arrived.entry(key).or_default().insert(id);
            last = Some(arrived);
        }
        Ok(transfers)
    }
}

fn tell_id(id: &str, bytes: &mut impl FnMut(&[u8])) {
    bytes(&[id.len() as u8]);
    bytes(id.as_bytes());
}

fn read_id(input: &mut Reader<'_>) -> Result<Box<str>, SnapshotError> {
    let length = usize::from(input.u8()?);
    let id = std::str::from_utf8(input.slice(length)?).ok().filter(|id| (1..=LONGEST_ID).contains(&id.len()));
    input.check(id.is_some(), "an id that is not 1 to 36 bytes of text")?;
    Ok(id.unwrap_or_default().into())
}
