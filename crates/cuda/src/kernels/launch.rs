//! Loading machine code and launching its functions: the one place where arguments are handed over without their types.

use std::ffi::{CStr, c_void};
use std::ptr;
use std::rc::Rc;

use crate::driver::{self, Attribute, Launch};
use crate::{Gpu, Result};

/// Machine code that is loaded on a GPU.
pub(super) struct Module {
    gpu: Gpu,
    handle: driver::Module,
}

/// A kernel of it.
pub(super) struct Function {
    module: Rc<Module>,
    handle: driver::Function,
}

/// How a kernel is spread over the GPU.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    pub(super) grid: [u32; 2],
    pub(super) threads: u32,
    pub(super) shared_bytes: u32,
    /// The kernel itself waits for the one before it, so it may start early.
    pub(super) early: bool,
}

/// An argument as the driver takes it: a pointer to the value, which it copies during the call.
pub(super) fn argument<T>(value: &T) -> *mut c_void {
    ptr::from_ref(value).cast_mut().cast()
}

impl Module {
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub(super) fn load(gpu: &Gpu, code: &[u8]) -> Result<Self> {
        let mut handle = ptr::null_mut();
        // SAFETY: the pointer is to a live local; the code is what NVRTC made, which knows its own length.
        let status = unsafe { (gpu.bound()?.module_load)(&raw mut handle, code.as_ptr().cast()) };
        gpu.check(status, "loading kernels")?;
        Ok(Self { gpu: gpu.clone(), handle })
    }
}

impl Drop for Module {
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    fn drop(&mut self) {
        if let Ok(driver) = self.gpu.bound() {
            // SAFETY: ours, and no function of it is left.
            unsafe { (driver.module_unload)(self.handle) };
        }
    }
}

impl Function {
    /// Gets a kernel, which may be launched with so much shared memory. All kernels prefer the same division of an SM's memory, as kernels that
    /// prefer different ones cannot be on an SM at once.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub(super) fn get(module: &Rc<Module>, name: &CStr, shared_bytes: usize) -> Result<Self> {
        let gpu = &module.gpu;
        let mut handle = ptr::null_mut();
        // SAFETY: the pointer is to a live local, the name ends with a zero byte.
        let status = unsafe { (gpu.bound()?.module_function)(&raw mut handle, module.handle, name.as_ptr()) };
        gpu.check(status, "finding a kernel")?;
        // SAFETY: the function was just found.
        unsafe {
            gpu.check((gpu.bound()?.function_set)(handle, driver::FUNCTION_SHARED, shared_bytes as i32), "giving a kernel shared memory")?;
            gpu.check((gpu.bound()?.function_set)(handle, driver::FUNCTION_CARVEOUT, 100), "dividing an SM's memory")?;
        }
        Ok(Self { module: module.clone(), handle })
    }

    /// Hands the kernel to the GPU.
    ///
    /// # Safety
    /// The arguments have the types that the kernel's source says, in its order; memory they name is as large as the kernel takes it to be, and stays
    /// until the kernel has ended (or, when a graph is recorded, until the graph is dropped).
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub(super) unsafe fn launch(&self, spread: Spread, arguments: &mut [*mut c_void]) -> Result<()> {
        let gpu = &self.module.gpu;
        let mut early = Attribute { id: driver::PROGRAMMATIC, pad: [0; 4], value: YES };
        let launch = Launch {
            grid: [spread.grid[0], spread.grid[1], 1],
            block: [spread.threads, 1, 1],
            shared_bytes: spread.shared_bytes,
            stream: gpu.stream(),
            attributes: &raw mut early,
            attribute_count: u32::from(spread.early),
        };
        // SAFETY: of the arguments the caller's; the rest is live.
        let status = unsafe { (gpu.bound()?.launch)(&raw const launch, self.handle, arguments.as_mut_ptr(), ptr::null_mut()) };
        gpu.check(status, "launching a kernel")
    }
}

/// The value of an attribute that is a flag.
const YES: [u32; 16] = {
    let mut value = [0; 16];
    value[0] = 1;
    value
};
