//! From kernel sources to machine code for the GPU at hand, by NVRTC, when the program runs.
//!
//! Machine code and not PTX: a driver loads code of any NVRTC of its own major version or an older one, but PTX only of its own version or older.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;

use crate::library::{self, Loaded, Status, functions};
use crate::{Error, Result};

type Program = *mut std::ffi::c_void;

functions! {
    /// NVRTC.
    struct Nvrtc {
        version = "nvrtcVersion"(*mut c_int, *mut c_int) -> Status;
        words = "nvrtcGetErrorString"(Status) -> *const c_char;
        create = "nvrtcCreateProgram"(*mut Program, *const c_char, *const c_char, c_int, *const *const c_char, *const *const c_char) -> Status;
        compile = "nvrtcCompileProgram"(Program, c_int, *const *const c_char) -> Status;
        log_size = "nvrtcGetProgramLogSize"(Program, *mut usize) -> Status;
        log = "nvrtcGetProgramLog"(Program, *mut c_char) -> Status;
        code_size = "nvrtcGetCUBINSize"(Program, *mut usize) -> Status;
        code = "nvrtcGetCUBIN"(Program, *mut c_char) -> Status;
        destroy = "nvrtcDestroyProgram"(*mut Program) -> Status;
    }
}

/// The compiler.
pub struct Compiler {
    nvrtc: Nvrtc,
    version: (u32, u32),
}

impl Compiler {
    /// Finds NVRTC, of the driver's major version or an older one.
    ///
    /// # Errors
    /// When there is none.
    #[expect(unsafe_code, reason = "NVRTC is a C library")]
    pub fn find(driver_major: u32) -> Result<Self> {
        let nvrtc = Nvrtc::of(Loaded::find("NVRTC", &library::names("nvrtc", driver_major))?)?;
        let (mut major, mut minor) = (0, 0);
        // SAFETY: the pointers are to live locals.
        let status = unsafe { (nvrtc.version)(&raw mut major, &raw mut minor) };
        let compiler = Self { nvrtc, version: (major.unsigned_abs(), minor.unsigned_abs()) };
        compiler.check(status, "", String::new)?;
        Ok(compiler)
    }

    /// NVRTC's version, such as (13, 0).
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// Machine code of `source` for a GPU of this compute capability, with these words and numbers defined.
    ///
    /// # Errors
    /// [`Error::Compile`] with the compiler's log.
    #[expect(unsafe_code, reason = "NVRTC is a C library")]
    pub fn compile(&self, source: &str, capability: (u32, u32), defined: &[(&str, usize)]) -> Result<Vec<u8>> {
        let architecture = format!("sm_{}{}", capability.0, capability.1);
        let defined = defined.iter().map(|(name, value)| format!("-D{name}={value}"));
        let options = [format!("--gpu-architecture={architecture}"), "--std=c++17".to_owned()].into_iter().chain(defined);
        let options: Vec<CString> = options.map(c_string).collect::<Result<_>>()?;
        let pointers: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        let source = c_string(source.to_owned())?;
        let mut program = ptr::null_mut();
        // SAFETY: the texts end with a zero byte and live until the program is destroyed; there are no headers.
        let status = unsafe { (self.nvrtc.create)(&raw mut program, source.as_ptr(), c"kernels.cu".as_ptr(), 0, ptr::null(), ptr::null()) };
        self.check(status, &architecture, String::new)?;
        let program = Made { nvrtc: &self.nvrtc, program };
        // SAFETY: the program was made, and there are as many options as said.
        let status = unsafe { (self.nvrtc.compile)(program.program, pointers.len() as c_int, pointers.as_ptr()) };
        self.check(status, &architecture, || program.log())?;
        program.code().ok_or_else(|| Error::Compile { architecture, reason: "no machine code came out".to_owned(), log: program.log() })
    }

    #[expect(unsafe_code, reason = "NVRTC is a C library")]
    fn check(&self, status: Status, architecture: &str, log: impl FnOnce() -> String) -> Result<()> {
        if status == 0 {
            return Ok(());
        }
        // SAFETY: gives a string that lives as long as the library, for every number.
        let reason = unsafe { CStr::from_ptr((self.nvrtc.words)(status)) }.to_string_lossy().into_owned();
        Err(Error::Compile { architecture: architecture.to_owned(), reason, log: log() })
    }
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler").field("version", &self.version).finish_non_exhaustive()
    }
}

/// A program that is destroyed at the end.
struct Made<'a> {
    nvrtc: &'a Nvrtc,
    program: Program,
}

impl Made<'_> {
    fn log(&self) -> String {
        let log = self.text(self.nvrtc.log_size, self.nvrtc.log).unwrap_or_default();
        String::from_utf8_lossy(&log).trim_end_matches('\0').trim_end().to_owned()
    }

    fn code(&self) -> Option<Vec<u8>> {
        self.text(self.nvrtc.code_size, self.nvrtc.code).filter(|code| !code.is_empty())
    }

    #[expect(unsafe_code, reason = "NVRTC is a C library")]
    fn text(
        &self,
        size: unsafe extern "C" fn(Program, *mut usize) -> Status,
        get: unsafe extern "C" fn(Program, *mut c_char) -> Status,
    ) -> Option<Vec<u8>> {
        let mut length = 0;
        // SAFETY: the program lives; the pointer is to a live local.
        if unsafe { size(self.program, &raw mut length) } != 0 {
            return None;
        }
        let mut bytes = vec![0; length];
        // SAFETY: the call writes as many bytes as it said.
        (unsafe { get(self.program, bytes.as_mut_ptr().cast()) } == 0).then_some(bytes)
    }
}

impl Drop for Made<'_> {
    #[expect(unsafe_code, reason = "NVRTC is a C library")]
    fn drop(&mut self) {
        // SAFETY: made by us and used no more.
        unsafe { (self.nvrtc.destroy)(&raw mut self.program) };
    }
}

fn c_string(text: String) -> Result<CString> {
    let told = |_| Error::Compile { architecture: String::new(), reason: "a text holds a zero byte".to_owned(), log: String::new() };
    CString::new(text).map_err(told)
}
