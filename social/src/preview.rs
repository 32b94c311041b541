use crate::{Counter, Limits, Post, text};

/// What a post will look like on one network, and what a person may want to know before it goes out. Nothing is asked
/// of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preview {
    /// The network.
    pub network: String,
    /// The text as the network shows it, its link included unless a card shows it.
    pub text: String,
    /// The length as the network counts it, warning and link included.
    pub length: usize,
    /// The longest the network takes, in the same unit.
    pub max: usize,
    /// What the network makes a link, as written in [`text`](Preview::text), in order.
    pub links: Vec<String>,
    /// The page a card is made of, when the network shows one.
    pub card: Option<String>,
    /// What is worth a look. A post that the network would refuse has [`Warning::Refused`] among them.
    pub warnings: Vec<Warning>,
}

/// Something a person may want to change before a post goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The network would refuse the post, and why.
    Refused(String),
    /// Not written as a link and yet made one, as in `README.md`: it counts as a link and leads somewhere.
    AccidentalLink(String),
    /// X takes one cashtag in a post; these are more.
    Cashtags(Vec<String>),
    /// X charges a post with a link 0.200 USD, one without 0.015 USD
    /// ([pricing](https://docs.x.com/x-api/getting-started/pricing)).
    LinkIsDear,
    /// LinkedIn gives these characters a meaning; the target escapes them so that they show.
    Escaped(String),
    /// Threads takes five different links in a post.
    ManyLinks(usize),
    /// An upload without alternative text, by its place among the uploads, from 0.
    MissingAlt(usize),
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(reason) => f.write_str(reason),
            Self::AccidentalLink(text) => write!(f, "{text} becomes a link"),
            Self::Cashtags(tags) => write!(f, "more than one cashtag: {}", tags.join(" ")),
            Self::LinkIsDear => f.write_str("a link makes this post 13 times dearer"),
            Self::Escaped(characters) => write!(f, "{characters} will be escaped"),
            Self::ManyLinks(count) => write!(f, "{count} different links, the network takes 5"),
            Self::MissingAlt(index) => write!(f, "upload {} has no alternative text", index + 1),
        }
    }
}

impl Limits {
    /// Shows what `post` will be on this network.
    ///
    /// ```
    /// use presswork_social::{Counter, Limits, Post, Warning};
    ///
    /// let preview = Limits::text("x", Counter::X, 280).preview(&Post::new("Read README.md first"));
    /// assert_eq!((preview.length, preview.links.as_slice()), (34, &["README.md".to_owned()][..]));
    /// assert!(preview.warnings.contains(&Warning::AccidentalLink("README.md".into())));
    /// ```
    pub fn preview(&self, post: &Post) -> Preview {
        let shown = self.shown_text(post);
        let links = self.links(&shown);
        let mut warnings = Vec::new();
        if let Err(error) = self.check(post) {
            warnings.push(Warning::Refused(error.to_string()));
        }
        let written = |link: &String| link.contains("://") || post.link.as_ref() == Some(link);
        warnings.extend(
            links
                .iter()
                .filter(|link| !written(link))
                .cloned()
                .map(Warning::AccidentalLink),
        );
        self.warn_by_network(&shown, &links, &mut warnings);
        let silent = |(index, media): (usize, &crate::UploadedMedia)| {
            media
                .alt
                .as_deref()
                .unwrap_or_default()
                .trim()
                .is_empty()
                .then_some(Warning::MissingAlt(index))
        };
        warnings.extend(post.media.iter().enumerate().filter_map(silent));
        Preview {
            network: self.network.clone(),
            length: self.count_post(post),
            max: self.max_text,
            card: self
                .carded(post)
                .or_else(|| links.first().filter(|_| self.reads_pages()).cloned()),
            links,
            text: shown,
            warnings,
        }
    }

    fn links(&self, shown: &str) -> Vec<String> {
        let found = text::links_of_x(shown).into_iter();
        // The others link what has its scheme.
        let links = found.filter(|(_, has_scheme)| *has_scheme || self.counter == Counter::X);
        links.map(|(range, _)| shown[range].to_owned()).collect()
    }

    fn carded(&self, post: &Post) -> Option<String> {
        post.link.clone().filter(|_| self.cards && post.card.is_some())
    }

    /// Whether the network makes cards from the pages that are linked.
    fn reads_pages(&self) -> bool {
        matches!(
            self.counter,
            Counter::X | Counter::Mastodon { .. } | Counter::Strictest { .. } | Counter::Threads
        )
    }

    fn warn_by_network(&self, shown: &str, links: &[String], warnings: &mut Vec<Warning>) {
        match self.counter {
            Counter::X => {
                let tags = cashtags(shown);
                if tags.len() > 1 {
                    warnings.push(Warning::Cashtags(tags));
                }
                if !links.is_empty() {
                    warnings.push(Warning::LinkIsDear);
                }
            }
            Counter::LinkedIn => {
                let reserved = |c: &char| text::is_reserved(*c) && shown.contains(*c);
                let reserved: String = ('!'..='~').filter(reserved).collect();
                if !reserved.is_empty() {
                    warnings.push(Warning::Escaped(reserved));
                }
            }
            Counter::Threads => {
                let is_first = |(at, link): &(usize, &String)| !links[..*at].contains(link);
                let different = links.iter().enumerate().filter(is_first).count();
                if different > 5 {
                    warnings.push(Warning::ManyLinks(different));
                }
            }
            Counter::Graphemes | Counter::Mastodon { .. } | Counter::Strictest { .. } => {}
        }
    }
}

/// `$` and one to six letters, with an optional half of one or two after `.` or `_`
/// ([twitter-text](https://github.com/twitter/twitter-text)).
pub(crate) fn cashtags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for (at, _) in text.match_indices('$') {
        let before = text[..at].chars().next_back();
        let letters = text[at + 1..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let after = text[at + 1 + letters..].chars().next();
        let alone = before.is_none_or(char::is_whitespace)
            && after.is_none_or(|c| c.is_whitespace() || c.is_ascii_punctuation() && c != '$');
        if (1..=6).contains(&letters) && alone {
            let tag = &text[at..=at + letters];
            if !tags.iter().any(|known| known.eq_ignore_ascii_case(tag)) {
                tags.push(tag.to_owned());
            }
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_warns_of_its_own() {
        let x = Limits::text("x", Counter::X, 280).preview(&Post::new("$TSLA and $AAPL, see file.rs"));
        assert_eq!(x.length, 44);
        assert_eq!(
            x.warnings,
            [
                Warning::AccidentalLink("file.rs".into()),
                Warning::Cashtags(vec!["$TSLA".into(), "$AAPL".into()]),
                Warning::LinkIsDear
            ]
        );
        let linkedin = Limits::text("linkedin", Counter::LinkedIn, 3_000).preview(&Post::new("a (b) #c"));
        assert_eq!(linkedin.warnings, [Warning::Escaped("#()".into())]);
        assert_eq!(linkedin.length, 11);
        let many: String = (0..6).map(|n| format!("https://example.com/{n} ")).collect();
        let threads = Limits::text("threads", Counter::Threads, 500).preview(&Post::new(many));
        assert_eq!(threads.warnings, [Warning::ManyLinks(6)]);
        let short = Limits::text("bluesky", Counter::Graphemes, 3).preview(&Post::new("README.md"));
        assert_eq!(short.links, [] as [&str; 0]);
        assert!(matches!(&short.warnings[..], [Warning::Refused(reason)] if reason.contains("the limit is 3")));
    }

    #[test]
    fn the_link_is_in_the_text_or_on_the_card() {
        let link = "https://example.com/a";
        let post = Post::new("Hello").link(link).unwrap().card(crate::Card::new("Title"));
        let mut limits = Limits::text("bluesky", Counter::Graphemes, 300);
        assert_eq!(limits.preview(&post).text, "Hello\n\nhttps://example.com/a");
        limits.cards = true;
        let carded = limits.preview(&post);
        assert_eq!((carded.text.as_str(), carded.card.as_deref()), ("Hello", Some(link)));
        assert_eq!(carded.length, 5);
    }

    #[test]
    fn cashtags_stand_alone() {
        assert_eq!(cashtags("$A $b, $a a$c $toolong7 $9 $d$e US$f ($g)"), ["$A", "$b"]);
    }
}
