//! The Lua scripts: each operation of the queue is one of them, so that it happens whole or not at all.

use std::{fmt::Write, sync::LazyLock};

use redis::Script;

/// A script, its hash made once.
pub(super) struct Lua {
    text: &'static str,
    hash: LazyLock<String>,
}

macro_rules! scripts {
    ($($name:ident = $($file:literal)+;)*) => {$(
        pub(super) static $name: Lua = Lua {
            text: concat!($(include_str!(concat!("lua/", $file))),+),
            hash: LazyLock::new(|| Script::new(concat!($(include_str!(concat!("lua/", $file))),+)).get_hash().to_owned()),
        };
    )*};
}

scripts! {
    ENQUEUE = "enqueue.lua";
    RESERVE = "shared.lua" "reserve.lua";
    ACK = "shared.lua" "ack.lua";
    SETTLE = "shared.lua" "settle.lua";
    EXTEND = "shared.lua" "extend.lua";
    DEAD = "shared.lua" "dead.lua";
    DEPTH = "shared.lua" "depth.lua";
    NUDGE = "nudge.lua";
    PEEK = "shared.lua" "peek.lua";
    PURGE = "purge.lua";
}

impl Lua {
    /// The call by hash, its keys set; a server that forgot the script answers NOSCRIPT.
    pub(super) fn call(&self, keys: &[&str]) -> redis::Cmd {
        let mut call = redis::cmd("EVALSHA");
        call.arg(self.hash.as_str()).arg(keys.len());
        for key in keys {
            call.arg(key);
        }
        call
    }

    /// Makes the server know the script.
    pub(super) fn load(&self) -> redis::Cmd {
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg(self.text);
        load
    }
}

/// The keys of one queue. The braces are a hash tag: in a cluster all of them live on one node.
/// <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags>
#[derive(Debug)]
pub(super) struct Keys {
    prefix: String,
    /// The list of what is due, as records.
    pub(super) ready: String,
    /// The sorted set of what is due later, as records.
    pub(super) later: String,
    /// The hash of what is leased: the place in its lease, and its record.
    pub(super) held: String,
    /// The sorted set of leases by their end; each is of all messages of one receive.
    pub(super) leases: String,
    /// The hash of how many messages each lease still holds.
    pub(super) groups: String,
    /// The sorted set of messages whose own lease was extended, by its end.
    pub(super) extended: String,
    /// The sorted set of ids of dead letters.
    pub(super) dead: String,
    /// The hash of dead letters.
    pub(super) letters: String,
    pub(super) token: String,
    pub(super) paused: String,
}

impl Keys {
    pub(super) fn of(queue: &str) -> Self {
        let mut tag = String::new();
        for character in queue.chars() {
            match character {
                // Within the tag they would end it.
                '{' | '}' | '%' => drop(write!(tag, "%{:02X}", u32::from(character))),
                other => tag.push(other),
            }
        }
        let prefix = format!("presswork:{{{tag}}}:");
        let key = |name: &str| format!("{prefix}{name}");
        Self {
            ready: key("ready"),
            later: key("later"),
            held: key("held"),
            leases: key("leases"),
            groups: key("groups"),
            extended: key("extended"),
            dead: key("dead"),
            letters: key("letters"),
            token: key("token"),
            paused: key("paused"),
            prefix,
        }
    }

    /// The key that remembers one idempotency key.
    pub(super) fn sent(&self, idempotency_key: &str) -> String {
        format!("{}sent:{idempotency_key}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_queue_has_one_hash_tag_whatever_its_name() {
        for (name, tag) in [("posts", "posts"), ("}{", "%7D%7B"), ("a}b%", "a%7Db%25"), ("🦀", "🦀")] {
            let keys = Keys::of(name);
            for key in [&keys.ready, &keys.held, &keys.token, &keys.paused, &keys.sent("}{x")] {
                let (_, rest) = key.split_once('{').unwrap();
                assert_eq!(rest.split_once('}').unwrap().0, tag, "{key}");
            }
        }
        assert_ne!(Keys::of("a%7D").ready, Keys::of("a}").ready);
    }
}
