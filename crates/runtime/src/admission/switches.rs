//! Kill switches: one for the venue, one for each account.

use arc_swap::ArcSwap;
use std::collections::BTreeSet;

#[derive(Clone, Debug, Default)]
struct Engaged {
    venue: bool,
    accounts: BTreeSet<Box<str>>,
}

/// Which kill switches are on. Readers never wait: the set is replaced as a whole.
#[derive(Debug, Default)]
pub struct Switches(ArcSwap<Engaged>);

impl Switches {
    /// Turns the switch of an account, or of the venue (None), on or off. Whoever looks after this returns sees it.
    pub fn set(&self, account: Option<&str>, engaged: bool) {
        self.0.rcu(|before| {
            let mut after = Engaged::clone(before);
            match account {
                None => after.venue = engaged,
                Some(account) if engaged => _ = after.accounts.insert(account.into()),
                Some(account) => _ = after.accounts.remove(account),
            }
            after
        });
    }

    /// May the account not trade: is its switch on, or the venue's?
    #[inline]
    pub fn is_killed(&self, account: Option<&str>) -> bool {
        let engaged = self.0.load();
        engaged.venue || account.is_some_and(|account| engaged.accounts.contains(account))
    }

    /// Is the venue's switch on?
    pub fn venue(&self) -> bool {
        self.0.load().venue
    }

    /// The accounts whose own switches are on, in order.
    pub fn accounts(&self) -> Vec<String> {
        self.0.load().accounts.iter().map(|account| account.to_string()).collect()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Switches;

    #[test]
    fn an_account_and_the_venue() {
        let switches = Switches::default();
        switches.set(Some("bob"), true);
        assert!(switches.is_killed(Some("bob")) && !switches.is_killed(Some("alice")) && !switches.is_killed(None));
        switches.set(None, true);
        assert!(switches.is_killed(Some("alice")) && switches.is_killed(None) && switches.venue());
        switches.set(None, false);
        assert_eq!((switches.accounts(), switches.is_killed(Some("alice"))), (vec!["bob".to_string()], false));
        switches.set(Some("bob"), false);
        assert!(!switches.is_killed(Some("bob")));
    }
}
