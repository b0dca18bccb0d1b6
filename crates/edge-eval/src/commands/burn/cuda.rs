//! The few calls of the CUDA driver that a load needs. The driver's library is looked for when the program runs and never linked;
//! the kernel is PTX text, which the driver compiles for whatever GPU is there.
//!
//! Functions and their types: CUDA Driver API reference, sections 6.2 to 6.13 (version 12).

use std::{
    ffi::{CStr, CString, c_char, c_int, c_uint, c_void},
    ptr,
};

use anyhow::{Context, bail};
use libloading::Library;
use record::clock;

/// Where the driver's library is, when the loader does not find it by its name alone.
const LIBRARIES: &[&str] = &[
    "libcuda.so.1",
    "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
    "/usr/lib/aarch64-linux-gnu/libcuda.so.1",
    "/usr/lib64/libcuda.so.1",
    "/usr/local/nvidia/lib64/libcuda.so.1",
    "/usr/lib/wsl/lib/libcuda.so.1",
    "/run/opengl-driver/lib/libcuda.so.1",
];
const KERNEL: &str = include_str!("kernel.ptx");
const THREADS: c_uint = 256;
/// Blocks that an SM is given: enough to fill it.
const BLOCKS_PER_SM: c_uint = 8;
/// `CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT`.
const SM_COUNT: c_int = 16;
/// How long one launch is to last, in seconds: short enough to stop and to pulse in time.
const LAUNCH_S: f64 = 2e-3;

type Status = c_int;
type Context_ = *mut c_void;
type Module = *mut c_void;
type Function = *mut c_void;
type Stream = *mut c_void;
type Address = u64;

/// A GPU with a context of ours on it.
pub(super) struct Gpu {
    driver: Driver,
    device: c_int,
}

/// A kernel that is loaded and whose length is known.
pub(super) struct Burner<'a> {
    driver: &'a Driver,
    function: Function,
    out: Address,
    blocks: c_uint,
    rounds: c_uint,
}

struct Driver {
    init: unsafe extern "C" fn(c_uint) -> Status,
    count: unsafe extern "C" fn(*mut c_int) -> Status,
    device: unsafe extern "C" fn(*mut c_int, c_int) -> Status,
    attribute: unsafe extern "C" fn(*mut c_int, c_int, c_int) -> Status,
    retain: unsafe extern "C" fn(*mut Context_, c_int) -> Status,
    set_current: unsafe extern "C" fn(Context_) -> Status,
    load: unsafe extern "C" fn(*mut Module, *const c_void) -> Status,
    function: unsafe extern "C" fn(*mut Function, Module, *const c_char) -> Status,
    allocate: unsafe extern "C" fn(*mut Address, usize) -> Status,
    launch: unsafe extern "C" fn(
        Function,
        c_uint,
        c_uint,
        c_uint,
        c_uint,
        c_uint,
        c_uint,
        c_uint,
        Stream,
        *mut *mut c_void,
        *mut *mut c_void,
    ) -> Status,
    synchronize: unsafe extern "C" fn() -> Status,
    error_name: unsafe extern "C" fn(Status, *mut *const c_char) -> Status,
    error_text: unsafe extern "C" fn(Status, *mut *const c_char) -> Status,
    /// Holds the code behind the functions.
    _library: Library,
}

impl Gpu {
    /// Makes a context on the GPU with CUDA's number `index`.
    pub(super) fn open(index: u32) -> anyhow::Result<Self> {
        let driver = Driver::load()?;
        driver.make_context(index).map(|device| Self { driver, device })
    }

    /// Loads the kernel and finds out how long it takes.
    pub(super) fn burner(&self) -> anyhow::Result<Burner<'_>> {
        let mut burner = self.driver.load_kernel(self.device)?;
        // The first launch pays for what is done once.
        burner.launch()?;
        burner.rounds = 1000;
        let begun = clock::now();
        burner.launch()?;
        let took = clock::now().since(begun).get().max(1e-6);
        burner.rounds = ((1000.0 * LAUNCH_S / took) as c_uint).clamp(1, 10_000_000);
        Ok(burner)
    }
}

impl Burner<'_> {
    /// Works for about two milliseconds.
    pub(super) fn burn(&self) -> anyhow::Result<()> {
        self.launch()
    }

    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    fn launch(&self) -> anyhow::Result<()> {
        let (mut out, mut rounds) = (self.out, self.rounds);
        let mut arguments: [*mut c_void; 2] = [(&raw mut out).cast(), (&raw mut rounds).cast()];
        // SAFETY: the function has these two parameters, both outlive the call, which copies them; `out` has room for one f32 a
        // thread of this grid.
        let launched = unsafe {
            (self.driver.launch)(
                self.function,
                self.blocks,
                1,
                1,
                THREADS,
                1,
                1,
                0,
                ptr::null_mut(),
                arguments.as_mut_ptr(),
                ptr::null_mut(),
            )
        };
        self.driver.check(launched, "launching a kernel")?;
        // SAFETY: a context is current on this thread.
        let ended = unsafe { (self.driver.synchronize)() };
        self.driver.check(ended, "running a kernel")
    }
}

impl Driver {
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    fn load() -> anyhow::Result<Self> {
        let mut first = None;
        let found = LIBRARIES.iter().find_map(|name| {
            // SAFETY: the driver's library runs no code that we would have to prepare for when it is loaded.
            unsafe { Library::new(name) }.map_err(|error| first.get_or_insert(error.to_string()).clone()).ok()
        });
        let library =
            found.with_context(|| format!("no CUDA driver: {} (looked for {})", first.unwrap_or_default(), LIBRARIES.join(", ")))?;
        // SAFETY: names and types are those of the driver API's reference; `_library` outlives the functions.
        unsafe {
            Ok(Self {
                init: symbol(&library, c"cuInit")?,
                count: symbol(&library, c"cuDeviceGetCount")?,
                device: symbol(&library, c"cuDeviceGet")?,
                attribute: symbol(&library, c"cuDeviceGetAttribute")?,
                retain: symbol(&library, c"cuDevicePrimaryCtxRetain")?,
                set_current: symbol(&library, c"cuCtxSetCurrent")?,
                load: symbol(&library, c"cuModuleLoadData")?,
                function: symbol(&library, c"cuModuleGetFunction")?,
                allocate: symbol(&library, c"cuMemAlloc_v2")?,
                launch: symbol(&library, c"cuLaunchKernel")?,
                synchronize: symbol(&library, c"cuCtxSynchronize")?,
                error_name: symbol(&library, c"cuGetErrorName")?,
                error_text: symbol(&library, c"cuGetErrorString")?,
                _library: library,
            })
        }
    }

    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    fn make_context(&self, index: u32) -> anyhow::Result<c_int> {
        let (mut count, mut device, mut context) = (0, 0, ptr::null_mut());
        // SAFETY: every pointer is to a live local of the type that the call fills; the context stays retained until the process ends.
        unsafe {
            self.check((self.init)(0), "starting the CUDA driver")?;
            self.check((self.count)(&raw mut count), "counting GPUs")?;
            let wanted = c_int::try_from(index).ok().filter(|wanted| *wanted < count);
            let Some(wanted) = wanted else { bail!("CUDA sees {count} GPUs, so there is no number {index}") };
            self.check((self.device)(&raw mut device, wanted), "finding the GPU")?;
            self.check((self.retain)(&raw mut context, device), "making a context on the GPU")?;
            self.check((self.set_current)(context), "using the context")?;
        }
        Ok(device)
    }

    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    fn load_kernel(&self, device: c_int) -> anyhow::Result<Burner<'_>> {
        let text = CString::new(KERNEL).context("the kernel's text holds a zero byte")?;
        let (mut sms, mut module, mut function, mut out) = (0, ptr::null_mut(), ptr::null_mut(), 0);
        // SAFETY: every pointer is to a live local of the type that the call fills; the text and the name end with a zero byte.
        let blocks = unsafe {
            self.check((self.attribute)(&raw mut sms, SM_COUNT, device), "asking for the number of multiprocessors")?;
            self.check((self.load)(&raw mut module, text.as_ptr().cast()), "compiling the kernel for this GPU")?;
            self.check((self.function)(&raw mut function, module, c"burn".as_ptr()), "finding the kernel")?;
            let blocks = sms.unsigned_abs().max(1) * BLOCKS_PER_SM;
            let bytes = blocks as usize * THREADS as usize * size_of::<f32>();
            self.check((self.allocate)(&raw mut out, bytes), "allocating GPU memory")?;
            blocks
        };
        Ok(Burner { driver: self, function, out, blocks, rounds: 1 })
    }

    fn check(&self, status: Status, doing: &str) -> anyhow::Result<()> {
        if status == 0 {
            return Ok(());
        }
        bail!("{doing}: {} ({}, CUDA error {status})", words(self.error_text, status), words(self.error_name, status));
    }
}

/// What the driver says of an error.
#[expect(unsafe_code, reason = "the CUDA driver is a C library")]
fn words(ask: unsafe extern "C" fn(Status, *mut *const c_char) -> Status, status: Status) -> String {
    let mut text = ptr::null();
    // SAFETY: the call fills the pointer with a string that lives as long as the library, or with null.
    let told = unsafe { ask(status, &raw mut text) };
    if told != 0 || text.is_null() {
        return "unknown".to_owned();
    }
    // SAFETY: not null, and ends with a zero byte.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// A function of the library as its type.
#[expect(unsafe_code, reason = "the CUDA driver is a C library")]
unsafe fn symbol<T: Copy>(library: &Library, name: &CStr) -> anyhow::Result<T> {
    // SAFETY: the caller gives the type that the reference has for this name.
    let found = unsafe { library.get::<T>(name.to_bytes_with_nul()) };
    found.map(|symbol| *symbol).with_context(|| format!("the CUDA driver lacks {}", name.to_string_lossy()))
}
