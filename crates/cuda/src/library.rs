//! NVIDIA's libraries: found by name or in the usual folders when the program runs, never linked. A library that is not there is an error
//! that names what was looked for; a function that is not there likewise.

use std::ffi::c_int;
use std::path::{Path, PathBuf};

use libloading::Library;

use crate::{Error, Result};

/// What calls of all three libraries give back; 0 is success. A plain number: newer versions have codes that older ones lack.
pub(crate) type Status = c_int;

/// Where CUDA's run-time libraries are, when the loader does not find them by their names alone.
const FOLDERS: &[&str] = &[
    "/usr/local/cuda/lib64",
    "/usr/local/cuda-13/lib64",
    "/usr/local/cuda-12/lib64",
    "/opt/cuda/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/local/nvidia/lib64",
    "/usr/lib/wsl/lib",
    "/run/opengl-driver/lib",
];

/// A library that is loaded, and what it is called in errors.
pub(crate) struct Loaded {
    library: Library,
    pub(crate) what: &'static str,
}

impl Loaded {
    /// The first of these file names that can be loaded, by itself or from one of the usual folders.
    pub(crate) fn find(what: &'static str, names: &[String]) -> Result<Self> {
        let mut reason = None;
        let in_folders = FOLDERS.iter().flat_map(|folder| names.iter().map(move |name| Path::new(folder).join(name)));
        let paths: Vec<PathBuf> = names.iter().map(PathBuf::from).chain(in_folders.filter(|path| path.exists())).collect();
        for path in &paths {
            match open(path) {
                Ok(library) => return Ok(Self { library, what }),
                Err(error) => _ = reason.get_or_insert_with(|| error.to_string()),
            }
        }
        let looked_for = names.iter().map(String::as_str).chain(FOLDERS.iter().copied()).map(str::to_owned).collect();
        Err(Error::NoLibrary { what, reason: reason.unwrap_or_default(), looked_for })
    }

    /// A function of the library as its type.
    ///
    /// # Safety
    /// The type is the one that the library's reference has for this name.
    #[expect(unsafe_code, reason = "CUDA's libraries are C libraries")]
    pub(crate) unsafe fn function<T: Copy>(&self, symbol: &'static str) -> Result<T> {
        // SAFETY: the caller gives the type.
        let found = unsafe { self.library.get::<T>(symbol.as_bytes()) };
        found.map(|found| *found).map_err(|_| Error::NoFunction { what: self.what, symbol })
    }
}

/// File names of a run-time library for a driver of this major version, the best first: a library that is newer than the driver makes
/// code which the driver may not load.
pub(crate) fn names(stem: &str, driver_major: u32) -> Vec<String> {
    (12..=driver_major.max(12)).rev().map(|major| format!("lib{stem}.so.{major}")).chain([format!("lib{stem}.so")]).collect()
}

#[expect(unsafe_code, reason = "loading a library runs its initialisers")]
fn open(path: &Path) -> Result<Library, libloading::Error> {
    // NVRTC asks the loader for a part of itself by name, which only finds it in a known folder or when it is loaded already.
    for part in beside(path) {
        // SAFETY: as below; a part that cannot be loaded is left for NVRTC to complain about.
        if let Ok(library) = unsafe { Library::new(part) } {
            std::mem::forget(library);
        }
    }
    // SAFETY: NVIDIA's libraries run no code that we would have to prepare for when they are loaded.
    unsafe { Library::new(path) }
}

/// `libnvrtc-builtins.so.*` in the folder of a `libnvrtc` that is named by its path.
fn beside(path: &Path) -> Vec<PathBuf> {
    let is_nvrtc = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libnvrtc."));
    let Some(folder) = path.parent().filter(|folder| is_nvrtc && folder.is_absolute()) else { return Vec::new() };
    let Ok(entries) = folder.read_dir() else { return Vec::new() };
    let entries = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("libnvrtc-builtins.so."));
    entries.map(|entry| entry.path()).collect()
}

/// A table of a library's functions, by our names for them, loaded all at once.
macro_rules! functions {
    ($(#[$docs:meta])* struct $table:ident { $($name:ident = $symbol:literal ($($argument:ty),* $(,)?) -> $result:ty;)* }) => {
        $(#[$docs])*
        pub(crate) struct $table {
            $(pub(crate) $name: unsafe extern "C" fn($($argument),*) -> $result,)*
            /// Holds the code behind the functions.
            _library: $crate::library::Loaded,
        }

        impl $table {
            #[expect(unsafe_code, reason = "CUDA's libraries are C libraries")]
            fn of(library: $crate::library::Loaded) -> $crate::Result<Self> {
                // SAFETY: names and types are those of the library's reference.
                unsafe { Ok(Self { $($name: library.function($symbol)?,)* _library: library }) }
            }
        }
    };
}
pub(crate) use functions;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_never_newer_than_the_driver() {
        assert_eq!(names("nvrtc", 13), ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"]);
        assert_eq!(names("cublasLt", 12), ["libcublasLt.so.12", "libcublasLt.so"]);
    }

    #[test]
    fn a_missing_library_is_told_with_what_was_looked_for() {
        let error = Loaded::find("NVRTC", &["libno-such-thing.so.1".to_owned()]).err().unwrap();
        let told = error.to_string();
        assert!(told.starts_with("no NVRTC: ") && told.contains("libno-such-thing.so.1, /usr/local/cuda/lib64"), "{told}");
        assert!(error.hint().unwrap().contains("LD_LIBRARY_PATH"));
    }

    #[test]
    fn a_missing_function_is_an_error() {
        let library = Loaded::find("C library", &["libc.so.6".to_owned()]).unwrap();
        #[expect(unsafe_code, reason = "the function is not there, so it has no type to get wrong")]
        // SAFETY: as the reason says.
        let found = unsafe { library.function::<extern "C" fn()>("no_such_function") };
        assert_eq!(found.unwrap_err().to_string(), "the C library lacks no_such_function");
    }
}
