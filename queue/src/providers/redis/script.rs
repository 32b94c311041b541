//! The Lua scripts: each operation of the queue is one of them, so that it happens whole or not at all.

use std::{fmt::Write, sync::LazyLock};

use redis::Script;

/// A script, its hash made once.
pub(super) struct Lua {
    text: &'static str,
    hash: LazyLock<String>,
}

macro_rules! scripts {
    ($($name:ident = $file:literal;)*) => {$(
        pub(super) static $name: Lua = Lua {
            text: include_str!(concat!("lua/", $file)),
            hash: LazyLock::new(|| Script::new(include_str!(concat!("lua/", $file))).get_hash().to_owned()),
        };
    )*};
}

scripts! {
    ENQUEUE = "enqueue.lua";
    RESERVE = "reserve.lua";
    ACK = "ack.lua";
    SETTLE = "settle.lua";
    EXTEND = "extend.lua";
    DEAD = "dead.lua";
    DEPTH = "depth.lua";
    NUDGE = "nudge.lua";
    PEEK = "peek.lua";
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
    pub(super) ready: String,
    pub(super) leases: String,
    pub(super) bodies: String,
    pub(super) meta: String,
    pub(super) errors: String,
    pub(super) dead: String,
    pub(super) reasons: String,
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
            leases: key("leases"),
            bodies: key("bodies"),
            meta: key("meta"),
            errors: key("errors"),
            dead: key("dead"),
            reasons: key("reasons"),
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
            for key in [&keys.ready, &keys.leases, &keys.token, &keys.paused, &keys.sent("}{x")] {
                let (_, rest) = key.split_once('{').unwrap();
                assert_eq!(rest.split_once('}').unwrap().0, tag, "{key}");
            }
        }
        assert_ne!(Keys::of("a%7D").ready, Keys::of("a}").ready);
    }
}
