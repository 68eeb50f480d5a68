//! COMMAND LIST.

use super::super::{Args, CmdResult, Cx, Outcome};
use engine::Registered;
use engine::command::Categories;
use engine::error;

pub(super) fn list(cx: &mut Cx, args: Args) -> CmdResult {
    let registry = &cx.server.registry;
    let found: Vec<&Registered> = match args.len() {
        2 => registry.callable().collect(),
        5 if args.is(2, "FILTERBY") => {
            let wanted = filter(args)?;
            registry.callable().filter(|command| wanted(command)).collect()
        }
        _ => return Err(error::SYNTAX),
    };
    cx.reply.array(found.len());
    found.iter().for_each(|command| cx.reply.bulk(command.name.as_bytes()));
    Ok(Outcome::Done)
}

type Filter<'a> = Box<dyn Fn(&Registered) -> bool + 'a>;

fn filter<'a>(args: Args<'a>) -> Result<Filter<'a>, engine::CmdError> {
    let value = args.at(4);
    if args.is(3, "MODULE") {
        return Ok(Box::new(move |command| command.module.as_bytes() == value));
    }
    if args.is(3, "ACLCAT") {
        let named = |(_, name): &&(Categories, &str)| name.as_bytes().eq_ignore_ascii_case(value);
        let category = Categories::ALL.iter().find(named).map(|(category, _)| *category);
        return Ok(Box::new(move |command| category.is_some_and(|c| command.categories.has(c))));
    }
    if args.is(3, "PATTERN") {
        return Ok(Box::new(move |command| {
            stdx::glob::matches(value, command.name.as_bytes(), true)
        }));
    }
    Err(error::SYNTAX)
}
