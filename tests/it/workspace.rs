//! The workspace as the structural tests see it: its packages, their arrows, their source files.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

pub struct Package {
    pub name: String,
    pub folder: PathBuf,
    pub dependencies: Vec<Dependency>,
}

pub struct Dependency {
    pub name: String,
    /// Needed by the tests of the package only.
    pub dev: bool,
}

pub struct SourceFile {
    /// Relative to the workspace, for messages.
    pub path: PathBuf,
    pub text: String,
}

pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests lie inside the workspace").to_path_buf()
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    list(&metadata["packages"]).iter().map(package).collect()
}

fn package(value: &Value) -> Package {
    let manifest = PathBuf::from(text(&value["manifest_path"]));
    Package {
        name: text(&value["name"]).to_string(),
        folder: manifest.parent().expect("a manifest lies in a folder").to_path_buf(),
        dependencies: list(&value["dependencies"])
            .iter()
            .map(|dependency| Dependency {
                name: text(&dependency["name"]).to_string(),
                dev: dependency["kind"] == "dev",
            })
            .collect(),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("cargo metadata has a list here")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("cargo metadata has a string here")
}

impl Package {
    /// True of the packages under `modules/`, the only ones that come and go.
    pub fn is_module(&self) -> bool {
        self.folder.starts_with(root().join("modules"))
    }

    pub fn sources(&self) -> Vec<SourceFile> {
        let mut files = Vec::new();
        collect(&self.folder, &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        assert!(!files.is_empty(), "{} has no source file", self.name);
        files
    }
}

fn collect(folder: &Path, files: &mut Vec<SourceFile>) {
    for entry in std::fs::read_dir(folder).expect("a source folder can be read") {
        let path = entry.expect("a source folder can be read").path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = read(&path);
            let path = path.strip_prefix(root()).expect("it lies inside the workspace");
            files.push(SourceFile { path: path.to_path_buf(), text });
        }
    }
}

impl SourceFile {
    /// True of files that hold nothing but tests, by their name or by the folder they are in.
    pub fn is_test(&self) -> bool {
        let stem = self.stem();
        let in_folder = self.path.components().any(|part| part.as_os_str() == "tests");
        stem == "tests" || stem.ends_with("_tests") || in_folder
    }

    /// True of files that hold rows: long, but read one row at a time.
    pub fn is_table(&self) -> bool {
        self.stem().starts_with("table")
    }

    fn stem(&self) -> &str {
        self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
    }
}
