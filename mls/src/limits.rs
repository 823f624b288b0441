//! Sizes, judged before anything is parsed.

use crate::failure::{refused, Outcome};

/// Members of a group at most.
pub const MAX_MEMBERS: usize = 1000;
/// Bytes of a credential's identity.
pub const MAX_CREDENTIAL: usize = 1024;
/// Bytes of the context extension.
pub const MAX_CONTEXT_DATA: usize = 65_536;
/// Bytes of an application plaintext, and of authenticated data.
pub const MAX_PLAINTEXT: usize = 65_536;
/// Bytes of an MLSMessage: a commit that adds 999 members is about 0.4 MB.
pub const MAX_MESSAGE: usize = 2 << 20;
/// Bytes of a ratchet tree: 1,000 members take about 0.4 MB.
pub const MAX_TREE: usize = 4 << 20;
/// Bytes of a stored state or epoch.
pub const MAX_STATE: usize = 32 << 20;
/// Generations that loading a group may burn.
pub const MAX_GENERATION_SKIP: u32 = 100_000;
/// Message keys kept per epoch for messages that were skipped: about 2 MB.
pub const MAX_SKIPPED: u32 = 65_536;
/// Generations that one message can skip (the crate's bound).
pub const MAX_SKIPPED_AT_ONCE: u32 = 1024;
/// Our one GroupContext extension (private use range, RFC 9420 §17.3).
pub const CONTEXT_EXTENSION: u16 = 0xF0D1;
/// Bytes of a group id.
pub const MAX_GROUP_ID: usize = 255;
/// Seconds: no deployment clock goes beyond (year 36812), so that sums never overflow.
pub const MAX_TIME: u64 = 1 << 40;
/// Seconds that a key package is dated back, for clocks that differ.
pub const CLOCK_SKEW: u64 = 3600;

/// Refuses what is longer than `most`.
pub fn at_most(what: &'static str, length: usize, most: usize) -> Outcome<()> {
    if length > most {
        return Err(refused(
            "too-large",
            format!("{what}: {length} is more than {most}"),
        ));
    }
    Ok(())
}

/// Refuses a time beyond any clock.
pub fn time(seconds: u64) -> Outcome<mls_rs::time::MlsTime> {
    if seconds > MAX_TIME {
        return Err(refused(
            "bad-time",
            "seconds since 1970 are out of range".to_owned(),
        ));
    }
    Ok(mls_rs::time::MlsTime::from(seconds))
}
