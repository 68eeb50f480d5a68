//! The arrows between crates, and what each layer may not touch.
//!
//! `ARROWS` is the picture of docs/ARCHITECTURE.md in a form that a machine can check. A new crate
//! or a new arrow fails here first; it is added together with a decision record in docs/adr.

use std::collections::BTreeSet;

use crate::source::{blanked, code_only, find_std, find_words, line_of, test_spans};
use crate::workspace::{Package, packages};

/// Which workspace crates a crate may use.
enum Reach {
    Only(&'static [&'static str]),
    /// Tools and tests: anything, modules included, but these.
    AllBut(&'static [&'static str]),
    /// The one list of modules: these, and everything under `modules/`.
    ModulesAnd(&'static [&'static str]),
}

use Reach::{AllBut, ModulesAnd, Only};

const ARROWS: &[(&str, Reach)] = &[
    ("stdx", Only(&[])),
    ("resp", Only(&["stdx"])),
    ("config", Only(&["stdx"])),
    ("structs", Only(&["stdx"])),
    ("keyspace", Only(&["stdx"])),
    ("engine", Only(&["stdx", "resp", "config", "keyspace"])),
    ("types", Only(&["stdx", "resp", "structs", "keyspace", "engine"])),
    ("admin", Only(&["stdx", "resp", "config", "keyspace", "engine"])),
    ("catalog", ModulesAnd(&["engine", "types", "admin"])),
    ("runtime", Only(&["stdx", "resp", "config", "keyspace", "engine"])),
    ("server", Only(&["stdx", "config", "engine", "catalog", "runtime"])),
    ("sim", AllBut(&["runtime", "server", "testkit"])),
    ("testkit", AllBut(&["runtime", "server"])),
    ("it", AllBut(&["runtime", "server"])),
    ("bench", AllBut(&["server"])),
    ("xtask", AllBut(&["runtime"])),
];

/// What every module may use. Never another module: what two of them share moves down.
const MODULE: Reach = Only(&["stdx", "resp", "keyspace", "engine"]);

/// Tests beside the code may also drive their crate through the whole engine.
const FOR_TESTS: &str = "testkit";

/// The layers that must work without any particular module.
const CORE: &[&str] = &["stdx", "resp", "config", "keyspace", "engine"];

/// Where the outside world is met: sockets, files, threads, clocks.
const OUTSIDE: &[&str] = &["runtime", "server", "testkit", "xtask", "it", "bench"];
const SYSTEM_MODULES: &[&str] = &["net", "fs", "thread"];
const CLOCKS: &[&str] = &["Instant::now", "SystemTime"];

/// Libraries that bring the outside world with them, and who may depend on them.
const SYSTEM_LIBRARIES: &[&str] =
    &["tokio", "tokio-rustls", "rustls", "rustls-pemfile", "socket2", "mio"];
const SYSTEM_LIBRARY_USERS: &[&str] = &["runtime", "server"];

/// The entries' memory, and the count of what the allocator hands out.
const UNSAFE_USERS: &[&str] = &["keyspace", "server"];

fn reach_of(package: &Package) -> Option<&'static Reach> {
    if package.is_module() {
        return Some(&MODULE);
    }
    ARROWS.iter().find(|(name, _)| *name == package.name).map(|(_, reach)| reach)
}

fn module_names(packages: &[Package]) -> BTreeSet<&str> {
    let folders = packages.iter().filter(|package| package.is_module());
    folders.map(|package| package.name.as_str()).chain(["types", "admin"]).collect()
}

fn forbidden_arrows(packages: &[Package]) -> Vec<String> {
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let modules = module_names(packages);
    let mut problems = Vec::new();
    for package in packages {
        let Some(reach) = reach_of(package) else {
            problems.push(format!("{} has no row in ARROWS", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            let allowed = match reach {
                Only(list) => list.contains(&to),
                AllBut(list) => !list.contains(&to),
                ModulesAnd(list) => list.contains(&to) || modules.contains(to),
            };
            let for_tests = dependency.dev && to == FOR_TESTS;
            if names.contains(to) && !allowed && !for_tests {
                problems.push(format!("{} -> {to} is not an arrow of the picture", package.name));
            }
            let system = SYSTEM_LIBRARIES.contains(&to);
            if system && !dependency.dev && !SYSTEM_LIBRARY_USERS.contains(&package.name.as_str()) {
                problems.push(format!("{} -> {to} belongs to the runtime", package.name));
            }
        }
    }
    problems
}

/// Looks for something in the code of these packages, their tests left out if `tests` is false.
fn find_in_code(
    packages: &[Package],
    belongs: impl Fn(&Package) -> bool,
    tests: bool,
    find: impl Fn(&str) -> Vec<usize>,
) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages.iter().filter(|package| belongs(package)) {
        for file in package.sources() {
            if file.is_test() && !tests {
                continue;
            }
            let mut code = code_only(&file.text);
            if !tests {
                code = blanked(&code, &test_spans(&code));
            }
            let lines = find(&code).into_iter().map(|offset| line_of(&code, offset));
            found.extend(lines.map(|line| format!("{}:{line}", file.path.display())));
        }
    }
    found
}

fn named(list: &'static [&'static str]) -> impl Fn(&Package) -> bool {
    move |package| list.contains(&package.name.as_str())
}

fn system_uses(code: &str) -> Vec<usize> {
    let modules = SYSTEM_MODULES.iter().flat_map(|module| find_std(code, module));
    modules.chain(CLOCKS.iter().flat_map(|clock| find_words(code, clock))).collect()
}

fn paths_through(code: &str, name: &str) -> Vec<usize> {
    let follows = |start: &usize| code[start + name.len()..].starts_with("::");
    find_words(code, name).into_iter().filter(follows).collect()
}

fn assert_none(problems: &[String], rule: &str) {
    assert!(problems.is_empty(), "{rule}:\n  {}", problems.join("\n  "));
}

#[test]
fn arrows_point_down() {
    let packages = packages();
    assert_none(&forbidden_arrows(&packages), "dependencies between crates");
    for (name, _) in ARROWS {
        let exists = packages.iter().any(|package| package.name == *name);
        assert!(exists, "{name} has a row in ARROWS and no package");
    }
}

#[test]
fn a_folder_is_named_like_its_crate() {
    for package in packages().iter().filter(|package| package.name != "it") {
        assert!(package.folder.ends_with(&package.name), "{}", package.folder.display());
    }
}

#[test]
fn the_outside_world_is_met_in_the_runtime() {
    let outside = named(OUTSIDE);
    let found = find_in_code(&packages(), |package| !outside(package), false, system_uses);
    assert_none(&found, "sockets, files, threads and clocks belong to crates/runtime");
}

#[test]
fn the_core_names_no_module() {
    let packages = packages();
    for name in module_names(&packages) {
        let found = find_in_code(&packages, named(CORE), true, |code| paths_through(code, name));
        assert_none(&found, &format!("the core must work without `{name}`"));
    }
}

#[test]
fn unsafe_stays_in_the_keyspace() {
    let trusted = named(UNSAFE_USERS);
    let found = find_in_code(
        &packages(),
        |package| !trusted(package),
        true,
        |code| [find_words(code, "unsafe"), find_words(code, "unsafe_code")].concat(),
    );
    assert_none(&found, "`unsafe` needs a decision record");
}

#[cfg(test)]
mod controls {
    //! A check that cannot fail is worth nothing: each one is shown what it must find.

    use super::*;
    use crate::workspace::{Dependency, root};

    fn package(folder: &str, dependencies: &[(&str, bool)]) -> Package {
        Package {
            name: folder.rsplit('/').next().unwrap_or_default().to_string(),
            folder: root().join(folder),
            dependencies: dependencies
                .iter()
                .map(|&(name, dev)| Dependency { name: name.to_string(), dev })
                .collect(),
        }
    }

    fn problems_of(folder: &str, dependencies: &[(&str, bool)]) -> usize {
        let mut packages: Vec<Package> =
            ARROWS.iter().map(|(name, _)| package(&format!("crates/{name}"), &[])).collect();
        packages.push(package("modules/json", &[]));
        packages.retain(|old| !root().join(folder).eq(&old.folder));
        packages.push(package(folder, dependencies));
        forbidden_arrows(&packages).len()
    }

    #[test]
    fn arrows_that_point_up_are_found() {
        assert_eq!(problems_of("crates/engine", &[("keyspace", false), ("hashbrown", false)]), 0);
        assert_eq!(problems_of("crates/engine", &[("types", false)]), 1);
        assert_eq!(problems_of("crates/engine", &[("json", false)]), 1);
        assert_eq!(problems_of("crates/engine", &[("types", true)]), 1);
        assert_eq!(problems_of("crates/types", &[("testkit", true)]), 0);
        assert_eq!(problems_of("crates/types", &[("testkit", false)]), 1);
        assert_eq!(problems_of("crates/catalog", &[("json", false), ("types", false)]), 0);
        assert_eq!(problems_of("crates/catalog", &[("runtime", false)]), 1);
        assert_eq!(problems_of("modules/search", &[("json", false)]), 1);
        assert_eq!(problems_of("modules/search", &[("engine", false)]), 0);
        assert_eq!(problems_of("crates/testkit", &[("json", false), ("runtime", false)]), 1);
        assert_eq!(problems_of("crates/newcomer", &[]), 1);
    }

    #[test]
    fn system_libraries_outside_the_runtime_are_found() {
        assert_eq!(problems_of("crates/engine", &[("tokio", false)]), 1);
        assert_eq!(problems_of("crates/engine", &[("tokio", true)]), 0);
        assert_eq!(problems_of("crates/runtime", &[("tokio", false), ("rustls", false)]), 0);
    }

    #[test]
    fn system_uses_are_found() {
        let check = |code: &str, count: usize| assert_eq!(system_uses(code).len(), count, "{code}");
        check("let now = Instant::now();", 1);
        check("use std::time::{Instant, SystemTime};", 1);
        check("use std::{net::TcpStream, fmt};", 1);
        check("fn at(now: Instant) -> core::net::IpAddr", 0);
    }

    #[test]
    fn module_paths_are_found() {
        assert_eq!(paths_through("use types::MODULE; subtypes::x; let types = 1;", "types"), [4]);
    }
}
