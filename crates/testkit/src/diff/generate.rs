//! Commands drawn from the grammar: most are valid, some are spoilt.

use super::compare::Rule;
use super::grammar::{Argument, Command, Grammar, Kind};
use super::pair::Play;
use super::pools::{self, Rng};

/// Share of commands that are spoilt, in percent.
const SPOILT_PERCENT: u64 = 10;
/// Share of optional arguments that are given.
const OPTIONAL_PERCENT: u64 = 30;
/// How often a transaction begins.
const TRANSACTION_PERCENT: u64 = 3;
/// Bound of the commands in a transaction.
const QUEUED_MAX: usize = 8;
/// Most repetitions of an argument that may come more than once.
const REPETITIONS_MAX: usize = 4;

/// Draws commands.
pub struct Generator<'a> {
    grammar: &'a Grammar,
    rng: Rng,
    now_ms: u64,
    weight_total: usize,
}

impl<'a> Generator<'a> {
    pub fn new(grammar: &'a Grammar, rng: Rng, now_ms: u64) -> Generator<'a> {
        let weight_total = grammar.commands.iter().map(|c| c.weight as usize).sum();
        Generator { grammar, rng, now_ms, weight_total }
    }

    /// At least `count` commands, some of them in transactions, which are whole.
    pub fn plays(&mut self, count: usize) -> Vec<Play> {
        let mut plays = Vec::new();
        while plays.len() < count {
            match self.grammar.transactions && self.rng.chance(TRANSACTION_PERCENT) {
                true => self.transaction(&mut plays),
                false => plays.push(self.play()),
            }
        }
        plays
    }

    /// A transaction, sometimes with watched keys, sometimes broken.
    fn transaction(&mut self, plays: &mut Vec<Play>) {
        if self.rng.chance(50) {
            plays.push(self.watch());
            for _ in 0..self.rng.below(3) {
                plays.push(self.play());
            }
            if self.rng.chance(10) {
                plays.push(control(&[b"UNWATCH"]));
            }
        }
        plays.push(control(&[b"MULTI"]));
        for _ in 0..self.rng.below(QUEUED_MAX) {
            let play = match self.rng.below(50) {
                0 => self.watch(),
                1 => control(&[b"UNWATCH"]),
                2 => control(&[b"MULTI"]),
                _ => self.play(),
            };
            plays.push(play);
        }
        plays.push(match self.rng.below(20) {
            0..3 => control(&[b"DISCARD"]),
            3 => control(&[b"EXEC", b"x"]),
            _ => control(&[b"EXEC"]),
        });
        // What an EXEC that was refused leaves behind ends here.
        if self.rng.chance(10) {
            plays.push(control(&[b"EXEC"]));
        }
    }

    fn watch(&mut self) -> Play {
        let keys: Vec<Vec<u8>> =
            (0..1 + self.rng.below(3)).map(|_| pools::key(&mut self.rng)).collect();
        let words: Vec<&[u8]> =
            std::iter::once(&b"WATCH"[..]).chain(keys.iter().map(Vec::as_slice)).collect();
        control(&words)
    }

    pub fn play(&mut self) -> Play {
        let command = self.command();
        let words = command.name.split('|').count();
        let mut args = name_words(&command.name);
        match command.name.as_str() {
            "COMMAND|GETKEYS" | "COMMAND|GETKEYSANDFLAGS" => {
                let other = self.command();
                args.extend(name_words(&other.name));
                self.sequence(&other.arguments, &mut args, true);
            }
            // Without a name it describes them all.
            "COMMAND|INFO" => {
                args.extend((0..1 + self.rng.below(3)).map(|_| self.command_name()));
            }
            _ => self.sequence(&command.arguments, &mut args, true),
        }
        if self.rng.chance(SPOILT_PERCENT) {
            self.spoil(&mut args, words);
        }
        if self.rng.chance(5) {
            args[0].make_ascii_lowercase();
        }
        let read_only = !command.flags.contains("write");
        Play { args, name: command.name.clone(), rule: command.rule, read_only }
    }

    /// The name of some command, as a client may write it.
    fn command_name(&mut self) -> Vec<u8> {
        let mut name = self.command().name.clone().into_bytes();
        if self.rng.chance(50) {
            name.make_ascii_lowercase();
        }
        name
    }

    fn command(&mut self) -> &'a Command {
        let mut ticket = self.rng.below(self.weight_total);
        for command in &self.grammar.commands {
            match ticket.checked_sub(command.weight as usize) {
                Some(rest) => ticket = rest,
                None => return command,
            }
        }
        &self.grammar.commands[0]
    }

    /// Arguments in their order, except that options at the end of a command (`shuffled`) may
    /// come in any.
    fn sequence(&mut self, arguments: &[Argument], out: &mut Vec<Vec<u8>>, shuffled: bool) {
        let mut options: Vec<Vec<Vec<u8>>> = Vec::new();
        // `numkeys` announces how often the next repeated argument comes.
        let mut announced = None;
        for (index, argument) in arguments.iter().enumerate() {
            if argument.optional && !self.rng.chance(OPTIONAL_PERCENT) {
                continue;
            }
            let mut chunk = Vec::new();
            if argument.kind == Kind::Integer && argument.name == "numkeys" {
                let repeated = arguments[index + 1..].iter().any(|a| a.multiple);
                let count = if repeated { 1 + self.rng.below(REPETITIONS_MAX) } else { 1 };
                announced = Some(count);
                chunk.extend(argument.token.iter().map(|t| t.as_bytes().to_vec()));
                chunk.push(count.to_string().into_bytes());
            } else {
                let count = if argument.multiple { announced.take() } else { None };
                self.argument(argument, count, &mut chunk);
            }
            let tail = arguments[index..].iter().all(|a| a.optional);
            if shuffled && tail {
                options.push(chunk);
            } else {
                out.append(&mut chunk);
            }
        }
        if options.len() > 1 && self.rng.chance(50) {
            let (a, b) = (self.rng.below(options.len()), self.rng.below(options.len()));
            options.swap(a, b);
        }
        out.extend(options.into_iter().flatten());
    }

    fn argument(&mut self, argument: &Argument, count: Option<usize>, out: &mut Vec<Vec<u8>>) {
        let count = count.unwrap_or_else(|| match argument.multiple {
            true => (1..REPETITIONS_MAX).take_while(|_| self.rng.chance(50)).count() + 1,
            false => 1,
        });
        for repetition in 0..count {
            if let Some(token) = &argument.token
                && argument.kind != Kind::Token
                && (repetition == 0 || argument.multiple_token)
            {
                out.push(self.token(token));
            }
            match argument.kind {
                Kind::Block => self.sequence(&argument.arguments, out, false),
                Kind::Choice if !argument.arguments.is_empty() => {
                    let chosen = self.rng.below(argument.arguments.len());
                    self.argument(&argument.arguments[chosen], None, out);
                }
                Kind::Token | Kind::Choice => {
                    let token = argument.token.as_deref().unwrap_or(&argument.name);
                    out.push(self.token(token));
                }
                kind => out.push(self.scalar(kind, &argument.name)),
            }
        }
    }

    fn token(&mut self, token: &str) -> Vec<u8> {
        match self.rng.chance(5) {
            true => token.to_ascii_lowercase().into_bytes(),
            false => token.as_bytes().to_vec(),
        }
    }

    fn scalar(&mut self, kind: Kind, name: &str) -> Vec<u8> {
        let rng = &mut self.rng;
        let unit_ms = if name.contains("milliseconds") { 1 } else { 1000 };
        match kind {
            Kind::Key => pools::key(rng),
            Kind::Double => pools::double(rng),
            Kind::Pattern => pools::pattern(rng),
            Kind::UnixTime => pools::moment(rng, unit_ms, self.now_ms),
            Kind::Integer => match name {
                "protover" => rng.pick(&["2", "3", "2", "3", "1", "4", ""]).as_bytes().to_vec(),
                "seconds" | "milliseconds" => pools::span(rng, unit_ms),
                "db" | "index" | "index1" | "index2" | "destination-db" => pools::database(rng),
                "cursor" => pools::cursor(rng),
                "count" => pools::count(rng),
                "offset" | "start" | "end" | "stop" | "len" => pools::position(rng),
                _ => pools::integer(rng),
            },
            _ => match name {
                "cursor" => pools::cursor(rng),
                "type" => pools::type_name(rng),
                name if name.contains("digest") => pools::digest(rng),
                name if name.contains("bound") => pools::integer(rng),
                _ => pools::value(rng),
            },
        }
    }

    /// Makes one thing wrong, behind the first `words` arguments, which name the command.
    fn spoil(&mut self, args: &mut Vec<Vec<u8>>, words: usize) {
        let rng = &mut self.rng;
        if args.len() == words {
            args.push(rng.pick(pools::GARBAGE).as_bytes().to_vec());
            return;
        }
        let at = words + rng.below(args.len() - words);
        match rng.below(8) {
            0 => drop(args.pop()),
            1 => drop(args.remove(at)),
            2 => args.insert(at, args[at].clone()),
            3 => args.push(rng.pick(pools::GARBAGE).as_bytes().to_vec()),
            4 => args.insert(at, rng.pick(pools::GARBAGE).as_bytes().to_vec()),
            5 => args[at] = rng.pick(pools::GARBAGE).as_bytes().to_vec(),
            6 => {
                let other = words + rng.below(args.len() - words);
                args.swap(at, other);
            }
            _ => {
                let tail = args[at..].to_vec();
                args.extend(tail);
            }
        }
    }
}

fn name_words(name: &str) -> Vec<Vec<u8>> {
    name.split('|').map(|word| word.as_bytes().to_vec()).collect()
}

/// A command that steers a transaction.
fn control(words: &[&[u8]]) -> Play {
    let name = String::from_utf8_lossy(words[0]).into_owned();
    let args = words.iter().map(|word| word.to_vec()).collect();
    Play { args, name, rule: Rule::Exact, read_only: false }
}
