//! What a store owes: every batch that was sent, what its producer was told, and so what must and must not be there.
//!
//! The oracle of every run. It knows nothing of files or frames: it holds what a scan shows against what was told.
//! - *kept*: acknowledged, or seen after a restart. There, once, at its place, with identical content, for ever;
//! - *absent*: refused, or not seen after a restart. Not there;
//! - *unknown*: the store was poisoned, or the process died. All of it or none of it, decided by the next start.
//!
//! Besides: positions of a chain and of a tenant within it have no hole, and (`logged_at`, service, `seq`) increases.

use sealog_engine::batch::Batch;
use sealog_engine::model::{CONTROL_SERVICE, Entry, Timestamp};
use sealog_engine::proof::Hash;
use sealog_engine::scan::{Filter, Order, Query, Scope};
use sealog_engine::store::Receipt;
use sealog_engine::verify::Report;
use sealog_engine::view::View;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// An entry of the model, by the order in which entries were thought of. Its message begins with `#<token> `.
pub type Token = usize;

/// What is true of an entry that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Absent,
    /// Sent by this attempt, and nobody knows.
    Unknown(usize),
    Kept(Place),
}

/// Where an entry lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    seq: u64,
    logged_at: i64,
}

#[derive(Clone)]
struct Known {
    entry: Arc<Entry<'static>>,
    fate: Fate,
}

/// A batch to be sent.
#[derive(Clone, Debug, Default)]
pub struct Sending {
    /// Its entries; one that was sent before may come again.
    pub tokens: Vec<Token>,
    /// An entry that reuses the ID of this one with other content.
    pub impostor_of: Option<Token>,
    /// Its idempotency key.
    pub key: Option<String>,
}

/// What the store must answer to a batch, if nothing fails.
#[derive(Debug)]
pub enum Owed {
    /// These entries are new; the others came before.
    Receipts {
        /// New.
        fresh: Vec<Token>,
        /// Sent before, or twice in this batch.
        repeated: Vec<Token>,
    },
    /// The batch came before under its key, with these new entries.
    Replay(Vec<Token>),
    /// Refused.
    Conflict,
}

/// An entry that a scan showed.
#[derive(Clone, Debug)]
pub struct Shown {
    service: String,
    seq: u64,
    tenant_seq: u64,
    logged_at: i64,
    entry: Entry<'static>,
}

/// Everything that was sent to one store.
#[derive(Clone, Default)]
pub struct Model {
    known: Vec<Known>,
    attempt_count: usize,
    /// Keys of kept batches: all their entries, and those that were new.
    keys: HashMap<String, (Vec<Token>, Vec<Token>)>,
    /// Keys of attempts that nobody knows about.
    unknown_keys: HashMap<usize, (String, Vec<Token>, Vec<Token>)>,
    sizes: BTreeMap<String, u64>,
    heads: HashMap<(String, u64), Hash>,
    newest: i64,
    acknowledged: u64,
}

impl Model {
    /// Thinks of an entry. Its message gets the token in front, and so does its ID, if it has one.
    pub fn think(&mut self, mut entry: Entry<'static>) -> Token {
        let token = self.known.len();
        if !entry.id.is_empty() {
            entry.id = format!("{token}-{}", entry.id).into();
        }
        entry.message = format!("#{token} {}", entry.message).into();
        self.known.push(Known { entry: Arc::new(entry), fate: Fate::Absent });
        token
    }

    /// Entries thought of so far.
    pub fn token_count(&self) -> usize {
        self.known.len()
    }

    /// Entries that producers were told are kept.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Whether anything must be there.
    pub fn owes_entries(&self) -> bool {
        self.known.iter().any(|known| matches!(known.fate, Fate::Kept(_)))
    }

    /// The newest commit time that anybody saw.
    pub fn newest(&self) -> i64 {
        self.newest
    }

    /// An entry's content.
    pub fn entry(&self, token: Token) -> &Entry<'static> {
        &self.known[token].entry
    }

    /// Keys that the store must know, with their batches' entries.
    pub fn kept_keys(&self) -> impl Iterator<Item = (&String, &Vec<Token>)> {
        self.keys.iter().map(|(key, (tokens, _))| (key, tokens))
    }

    /// When an entry was kept, if it is.
    pub fn kept_at(&self, token: Token) -> Option<i64> {
        match self.known[token].fate {
            Fate::Kept(place) => Some(place.logged_at),
            _ => None,
        }
    }

    /// The batch as the engine takes it.
    pub fn batch(&self, sending: &Sending) -> Batch {
        let mut batch = Batch::new();
        for token in &sending.tokens {
            batch.push(&self.known[*token].entry).unwrap();
        }
        if let Some(token) = sending.impostor_of {
            let entry = Entry::clone(&self.known[token].entry);
            batch.push(&Entry { message: "another message under the same ID".into(), ..entry }).unwrap();
        }
        if let Some(key) = &sending.key {
            batch.set_idempotency_key(key).unwrap();
        }
        batch
    }

    /// What the store must answer.
    pub fn owed(&self, sending: &Sending) -> Owed {
        if let Some((tokens, fresh)) = sending.key.as_ref().and_then(|key| self.keys.get(key)) {
            let is_same = *tokens == sending.tokens && sending.impostor_of.is_none();
            return if is_same { Owed::Replay(fresh.clone()) } else { Owed::Conflict };
        }
        if sending.impostor_of.is_some() {
            return Owed::Conflict;
        }
        let (mut fresh, mut repeated) = (Vec::new(), Vec::new());
        for token in &sending.tokens {
            let entry = &self.known[*token].entry;
            let kept = matches!(self.known[*token].fate, Fate::Kept(_));
            assert!(!kept || !entry.id.is_empty(), "an entry without an ID is sent once");
            if kept || fresh.contains(token) { repeated.push(*token) } else { fresh.push(*token) }
        }
        Owed::Receipts { fresh, repeated }
    }

    /// The store answered with receipts: they must be the ones owed.
    pub fn acknowledge(&mut self, sending: &Sending, owed: &Owed, receipts: &[Receipt]) {
        let (fresh, repeated) = match owed {
            Owed::Receipts { fresh, repeated } => (fresh.clone(), repeated.clone()),
            Owed::Replay(first) => (Vec::new(), first.clone()),
            Owed::Conflict => panic!("expected a conflict, the batch was taken: {receipts:?}"),
        };
        let (new, old): (Vec<&Receipt>, Vec<&Receipt>) =
            receipts.iter().partition(|receipt| !receipt.duplicate);
        let logged_at = new.first().map_or(self.newest, |receipt| receipt.logged_at.nanos());
        if !fresh.is_empty() {
            assert!(logged_at > self.newest, "a commit time that does not increase: {receipts:?}");
            self.newest = logged_at;
        }
        // Receipts come in the order of the batch's first entries, new or not.
        let mut services: Vec<String> = Vec::new();
        for token in &sending.tokens {
            let service = &self.known[*token].entry.service;
            if !services.iter().any(|known| known == service) {
                services.push(service.to_string());
            }
        }
        let mut expected: Vec<(String, u64, u64)> = Vec::new();
        for service in services {
            let size = self.sizes.entry(service.clone()).or_default();
            let first = *size;
            for token in &fresh {
                let known = &mut self.known[*token];
                if known.entry.service == service {
                    known.fate = Fate::Kept(Place { seq: *size, logged_at });
                    *size += 1;
                }
            }
            if *size > first {
                expected.push((service, first, *size - 1));
            }
        }
        self.acknowledged += fresh.len() as u64;
        let told: Vec<(String, u64, u64)> = new.iter().map(|receipt| run_of(receipt)).collect();
        assert_eq!(told, expected, "receipts of new entries");
        assert!(new.iter().all(|receipt| receipt.logged_at.nanos() == logged_at), "one commit has one time");
        for receipt in new {
            self.heads.insert((receipt.service.to_string(), receipt.last_seq), receipt.head);
        }
        self.check_repeated(&repeated, &old);
        if matches!(owed, Owed::Replay(_)) {
            let order = |receipt: &&Receipt| {
                let service = receipt.service.as_str();
                sending.tokens.iter().position(|token| self.known[*token].entry.service == service)
            };
            assert!(
                old.is_sorted_by_key(order),
                "a replay gives the first receipts, in their order: {old:?}"
            );
        }
        if let (Some(key), Owed::Receipts { .. }, false) = (&sending.key, owed, fresh.is_empty()) {
            self.keys.insert(key.clone(), (sending.tokens.clone(), fresh));
        }
    }

    /// Producers beside each other: a batch of new entries was acknowledged, wherever the others' went.
    pub fn acknowledge_among_others(&mut self, sending: &Sending, receipts: &[Receipt]) {
        let mut left: Vec<Token> = sending.tokens.clone();
        for receipt in receipts {
            assert!(!receipt.duplicate, "new entries: {receipt:?}");
            let (own, others): (Vec<Token>, Vec<Token>) = left
                .into_iter()
                .partition(|token| self.known[*token].entry.service == receipt.service.as_str());
            assert_eq!(own.len() as u64, receipt.last_seq - receipt.first_seq + 1, "{receipt:?}");
            for (token, seq) in own.into_iter().zip(receipt.first_seq..) {
                self.known[token].fate = Fate::Kept(Place { seq, logged_at: receipt.logged_at.nanos() });
                self.acknowledged += 1;
            }
            self.heads.insert((receipt.service.to_string(), receipt.last_seq), receipt.head);
            left = others;
        }
        assert!(left.is_empty(), "entries without a receipt: {left:?}");
    }

    /// Receipts of what came before say where it lies, and give the heads that were given first.
    fn check_repeated(&self, repeated: &[Token], receipts: &[&Receipt]) {
        let mut places: Vec<(String, i64, u64)> = repeated
            .iter()
            .map(|token| match self.known[*token].fate {
                Fate::Kept(place) => {
                    (self.known[*token].entry.service.to_string(), place.logged_at, place.seq)
                }
                fate => panic!("entry {token} is not kept: {fate:?}"),
            })
            .collect();
        places.sort();
        places.dedup();
        let expected: Vec<(String, u64, u64, i64)> = places
            .chunk_by(|a, b| (&a.0, a.1, a.2 + 1) == (&b.0, b.1, b.2))
            .map(|run| (run[0].0.clone(), run[0].2, run[run.len() - 1].2, run[0].1))
            .collect();
        let mut told: Vec<(String, u64, u64, i64)> = receipts
            .iter()
            .map(|receipt| {
                let (service, first, last) = run_of(receipt);
                (service, first, last, receipt.logged_at.nanos())
            })
            .collect();
        told.sort_by(|a, b| (&a.0, a.3, a.1).cmp(&(&b.0, b.3, b.1)));
        assert_eq!(told, expected, "receipts of entries that came before");
        for receipt in receipts {
            if let Some(head) = self.heads.get(&(receipt.service.to_string(), receipt.last_seq)) {
                assert_eq!(receipt.head, *head, "the head of a repeated entry: {receipt:?}");
            }
        }
    }

    /// Nobody knows: the store was poisoned, or the process died.
    pub fn lose_sight(&mut self, sending: &Sending, owed: &Owed) {
        let Owed::Receipts { fresh, .. } = owed else { return };
        let attempt = self.attempt_count;
        self.attempt_count += 1;
        for token in fresh {
            if self.known[*token].fate == Fate::Absent {
                self.known[*token].fate = Fate::Unknown(attempt);
            }
        }
        if let (Some(key), false) = (&sending.key, fresh.is_empty()) {
            self.unknown_keys.insert(attempt, (key.clone(), sending.tokens.clone(), fresh.clone()));
        }
    }

    /// A writer has opened the store and shows this: what was unknown is decided now, once and for all.
    pub fn settle(&mut self, shown: &[Shown]) {
        self.check(shown);
        let places: HashMap<Token, Place> = shown.iter().filter_map(placed).collect();
        for (token, known) in self.known.iter_mut().enumerate() {
            if matches!(known.fate, Fate::Unknown(_)) {
                known.fate = places.get(&token).map_or(Fate::Absent, |place| Fate::Kept(*place));
            }
        }
        for (_, (key, tokens, fresh)) in std::mem::take(&mut self.unknown_keys) {
            if fresh.iter().all(|token| places.contains_key(token)) {
                self.keys.insert(key, (tokens, fresh));
            }
        }
        self.sizes.clear();
        for entry in shown {
            self.sizes.insert(entry.service.clone(), entry.seq + 1);
        }
        self.newest = shown.iter().map(|entry| entry.logged_at).max().unwrap_or(i64::MIN).max(self.newest);
    }

    /// Holds what a scan shows against what was told.
    pub fn check(&self, shown: &[Shown]) {
        check_order(shown);
        let mut found = vec![None; self.known.len()];
        for entry in shown.iter().filter(|entry| entry.service != CONTROL_SERVICE) {
            let Some((token, place)) = placed(entry) else {
                panic!("an entry that nobody sent: {entry:?}");
            };
            let known = &self.known[token];
            assert_eq!(entry.entry, *known.entry, "entry {token} has other content");
            assert_eq!(found[token].replace(place), None, "entry {token} is there twice: {entry:?}");
        }
        let mut attempts: HashMap<usize, bool> = HashMap::new();
        for (token, known) in self.known.iter().enumerate() {
            match (known.fate, found[token]) {
                (Fate::Kept(place), found) => {
                    assert_eq!(found, Some(place), "entry {token} was acknowledged: {:?}", known.entry);
                }
                (Fate::Absent, found) => assert_eq!(found, None, "entry {token} was refused, and is there"),
                (Fate::Unknown(attempt), found) => {
                    let is_there = attempts.entry(attempt).or_insert(found.is_some());
                    assert_eq!(
                        *is_there,
                        found.is_some(),
                        "a part of a batch is there, a part is not: {token}"
                    );
                }
            }
        }
    }

    /// A verification's report agrees with the receipts.
    pub fn check_report(&self, report: &Report) {
        let problems: Vec<_> = report.all_problems().collect();
        assert!(report.valid && problems.is_empty(), "expected a valid store, found {problems:#?}");
        for chain in &report.chains {
            assert_eq!(chain.size, chain.entries, "a chain without holes");
            let Some(last) = chain.size.checked_sub(1) else { continue };
            if let Some(head) = self.heads.get(&(chain.service.clone(), last)) {
                assert_eq!(chain.head, Some(sealog_engine::hex::encode(head)), "head of {}", chain.service);
            }
        }
    }
}

fn run_of(receipt: &Receipt) -> (String, u64, u64) {
    (receipt.service.to_string(), receipt.first_seq, receipt.last_seq)
}

fn placed(shown: &Shown) -> Option<(Token, Place)> {
    let token = shown.entry.message.strip_prefix('#')?.split_once(' ')?.0.parse().ok()?;
    Some((token, Place { seq: shown.seq, logged_at: shown.logged_at }))
}

/// No hole, nothing reordered.
fn check_order(shown: &[Shown]) {
    let mut last: Option<(i64, &str, u64)> = None;
    let mut sizes: HashMap<&str, u64> = HashMap::new();
    let mut lines: HashMap<(&str, &str), u64> = HashMap::new();
    for entry in shown {
        let position = (entry.logged_at, entry.service.as_str(), entry.seq);
        assert!(last.is_none_or(|last| last < position), "{position:?} after {last:?}");
        last = Some(position);
        let size = sizes.entry(&entry.service).or_default();
        assert_eq!(entry.seq, *size, "a hole in {}", entry.service);
        *size += 1;
        let line = lines.entry((&entry.service, &entry.entry.tenant)).or_default();
        assert_eq!(
            entry.tenant_seq, *line,
            "a hole in the line of {} in {}",
            entry.entry.tenant, entry.service
        );
        *line += 1;
    }
}

/// Everything that a view shows, the log's own entries included, in the one total order.
pub fn show_all(view: &View) -> Vec<Shown> {
    // Reserved services are shown where they are named.
    let services: Vec<String> = view.chains().iter().map(|chain| chain.service().to_owned()).collect();
    if services.is_empty() {
        return Vec::new();
    }
    let filter = Filter { services, ..Filter::default() };
    show(view, &Scope::everything(), &Query { filter, order: Order::Ascending, limit: None, after: None })
}

/// What a query shows.
pub fn show(view: &View, scope: &Scope, query: &Query) -> Vec<Shown> {
    let mut scan = view.scan(scope, query);
    let shown = scan
        .by_ref()
        .map(|hit| {
            let committed = hit.committed().unwrap();
            Shown {
                service: committed.entry.service.to_string(),
                seq: committed.seq,
                tenant_seq: committed.tenant_seq,
                logged_at: committed.logged_at.nanos(),
                entry: owned(&committed.entry),
            }
        })
        .collect();
    assert_eq!(scan.problems(), [], "a scan met what it could not read");
    shown
}

/// What a query must show, of everything.
pub fn narrow(all: &[Shown], scope: &Scope, query: &Query) -> Vec<(String, u64)> {
    let filter = &query.filter;
    let window = filter.window;
    let mut places: Vec<(String, u64)> = all
        .iter()
        .filter(|shown| {
            let entry = &shown.entry;
            let time = Timestamp::from_nanos(shown.logged_at);
            scope.tenant_list().is_none_or(|tenants| tenants.iter().any(|tenant| *tenant == entry.tenant))
                && (filter.services.contains(&shown.service)
                    || (filter.services.is_empty() && shown.service != CONTROL_SERVICE))
                && (filter.tenants.is_empty() || filter.tenants.iter().any(|tenant| *tenant == entry.tenant))
                && filter.severities.as_ref().is_none_or(|classes| classes.contains(&entry.severity))
                && window.from.is_none_or(|from| from <= time)
                && window.to.is_none_or(|to| time < to)
        })
        .map(|shown| (shown.service.clone(), shown.seq))
        .collect();
    if query.order == Order::Descending {
        places.reverse();
    }
    places.truncate(query.limit.map_or(usize::MAX, |limit| limit as usize));
    places
}

/// Places only.
pub fn places(shown: &[Shown]) -> Vec<(String, u64)> {
    shown.iter().map(|shown| (shown.service.clone(), shown.seq)).collect()
}

/// Commit times, for windows.
pub fn times(shown: &[Shown]) -> Vec<i64> {
    shown.iter().map(|shown| shown.logged_at).collect()
}

/// A copy of an entry that borrows nothing. Only the fields that simulated entries have are copied; comparing with
/// what was sent shows if any other was set.
fn owned(entry: &Entry<'_>) -> Entry<'static> {
    let text = |text: &std::borrow::Cow<'_, str>| text.to_string().into();
    assert!(entry.process.is_none() && entry.artifact.is_none() && entry.generated_at.is_none());
    Entry {
        tenant: text(&entry.tenant),
        organization: text(&entry.organization),
        service: text(&entry.service),
        id: text(&entry.id),
        severity: entry.severity,
        activity: text(&entry.activity),
        request_id: text(&entry.request_id),
        success: entry.success,
        message: text(&entry.message),
        attributes: entry.attributes.iter().map(|(key, value)| (text(key), text(value))).collect(),
        ..Entry::default()
    }
}
