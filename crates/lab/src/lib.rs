//! Experiments that teach what the structures of the runtime cost, and why they are as they are: `aeromatch lab`.
