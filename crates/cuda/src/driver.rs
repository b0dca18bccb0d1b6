//! The functions of the CUDA driver that are used here, as a table that is filled when the program runs. All of them are in drivers of CUDA 12.0
//! and in every later one under these names.
//!
//! Functions, their types and constants: CUDA Driver API reference, version 12.0.

use std::ffi::{CStr, c_char, c_int, c_uchar, c_uint, c_ulonglong, c_void};
use std::ptr;

use crate::library::{Loaded, Status, functions};
use crate::{Error, Result};

pub(crate) type Context = *mut c_void;
pub(crate) type Stream = *mut c_void;
pub(crate) type Event = *mut c_void;
pub(crate) type Module = *mut c_void;
pub(crate) type Function = *mut c_void;
pub(crate) type Graph = *mut c_void;
pub(crate) type Executable = *mut c_void;
/// An address on the GPU.
pub(crate) type Address = u64;

/// `CUlaunchAttribute` with the one attribute that is used here.
#[repr(C)]
pub(crate) struct Attribute {
    pub(crate) id: c_int,
    pub(crate) pad: [u8; 4],
    pub(crate) value: [u32; 16],
}

/// `CUlaunchConfig`.
#[repr(C)]
pub(crate) struct Launch {
    pub(crate) grid: [c_uint; 3],
    pub(crate) block: [c_uint; 3],
    pub(crate) shared_bytes: c_uint,
    pub(crate) stream: Stream,
    pub(crate) attributes: *mut Attribute,
    pub(crate) attribute_count: c_uint,
}

/// `CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION`.
pub(crate) const PROGRAMMATIC: c_int = 6;
/// `CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT`.
pub(crate) const SM_COUNT: c_int = 16;
/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR`.
pub(crate) const MAJOR: c_int = 75;
/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR`.
pub(crate) const MINOR: c_int = 76;
/// `CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN`.
pub(crate) const SHARED_PER_BLOCK: c_int = 97;
/// `CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES`.
pub(crate) const FUNCTION_SHARED: c_int = 8;
/// `CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT`, in percent.
pub(crate) const FUNCTION_CARVEOUT: c_int = 9;
/// `CU_STREAM_NON_BLOCKING`.
pub(crate) const NON_BLOCKING: c_uint = 1;
/// `CU_STREAM_CAPTURE_MODE_THREAD_LOCAL`.
pub(crate) const CAPTURE_THREAD: c_int = 1;

functions! {
    /// The driver.
    struct Driver {
        init = "cuInit"(c_uint) -> Status;
        version = "cuDriverGetVersion"(*mut c_int) -> Status;
        device_count = "cuDeviceGetCount"(*mut c_int) -> Status;
        device = "cuDeviceGet"(*mut c_int, c_int) -> Status;
        device_name = "cuDeviceGetName"(*mut c_char, c_int, c_int) -> Status;
        device_memory = "cuDeviceTotalMem_v2"(*mut usize, c_int) -> Status;
        device_attribute = "cuDeviceGetAttribute"(*mut c_int, c_int, c_int) -> Status;
        retain = "cuDevicePrimaryCtxRetain"(*mut Context, c_int) -> Status;
        release = "cuDevicePrimaryCtxRelease_v2"(c_int) -> Status;
        set_current = "cuCtxSetCurrent"(Context) -> Status;
        memory_info = "cuMemGetInfo_v2"(*mut usize, *mut usize) -> Status;
        allocate = "cuMemAlloc_v2"(*mut Address, usize) -> Status;
        free = "cuMemFree_v2"(Address) -> Status;
        to_device = "cuMemcpyHtoDAsync_v2"(Address, *const c_void, usize, Stream) -> Status;
        to_host = "cuMemcpyDtoHAsync_v2"(*mut c_void, Address, usize, Stream) -> Status;
        copy = "cuMemcpyDtoDAsync_v2"(Address, Address, usize, Stream) -> Status;
        fill = "cuMemsetD8Async"(Address, c_uchar, usize, Stream) -> Status;
        stream_create = "cuStreamCreate"(*mut Stream, c_uint) -> Status;
        stream_destroy = "cuStreamDestroy_v2"(Stream) -> Status;
        stream_synchronize = "cuStreamSynchronize"(Stream) -> Status;
        event_create = "cuEventCreate"(*mut Event, c_uint) -> Status;
        event_record = "cuEventRecord"(Event, Stream) -> Status;
        event_elapsed = "cuEventElapsedTime"(*mut f32, Event, Event) -> Status;
        event_destroy = "cuEventDestroy_v2"(Event) -> Status;
        module_load = "cuModuleLoadData"(*mut Module, *const c_void) -> Status;
        module_unload = "cuModuleUnload"(Module) -> Status;
        module_function = "cuModuleGetFunction"(*mut Function, Module, *const c_char) -> Status;
        function_set = "cuFuncSetAttribute"(Function, c_int, c_int) -> Status;
        launch = "cuLaunchKernelEx"(*const Launch, Function, *mut *mut c_void, *mut *mut c_void) -> Status;
        capture_begin = "cuStreamBeginCapture_v2"(Stream, c_int) -> Status;
        capture_end = "cuStreamEndCapture"(Stream, *mut Graph) -> Status;
        graph_instantiate = "cuGraphInstantiateWithFlags"(*mut Executable, Graph, c_ulonglong) -> Status;
        graph_launch = "cuGraphLaunch"(Executable, Stream) -> Status;
        graph_destroy = "cuGraphDestroy"(Graph) -> Status;
        executable_destroy = "cuGraphExecDestroy"(Executable) -> Status;
        error_name = "cuGetErrorName"(Status, *mut *const c_char) -> Status;
        error_text = "cuGetErrorString"(Status, *mut *const c_char) -> Status;
    }
}

impl Driver {
    /// Finds the driver and starts it.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub(crate) fn load() -> Result<Self> {
        let driver = Self::of(Loaded::find("CUDA driver", &["libcuda.so.1".to_owned()])?)?;
        // SAFETY: takes no pointer.
        driver.check(unsafe { (driver.init)(0) }, "starting the CUDA driver")?;
        Ok(driver)
    }

    /// An error for every status but success.
    pub(crate) fn check(&self, status: Status, doing: &'static str) -> Result<()> {
        if status == 0 {
            return Ok(());
        }
        Err(Error::Driver { doing, code: status, name: words(self.error_name, status), text: words(self.error_text, status) })
    }

    /// The newest version of CUDA that the driver knows: 1000 · major + 10 · minor.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub(crate) fn version(&self) -> Result<u32> {
        let mut version = 0;
        // SAFETY: the pointer is to a live local.
        self.check(unsafe { (self.version)(&raw mut version) }, "asking for the driver's version")?;
        Ok(version.unsigned_abs())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_layout_of_the_c_headers() {
        assert_eq!(size_of::<Attribute>(), 72);
        assert_eq!(size_of::<Launch>(), 56);
        assert_eq!(std::mem::offset_of!(Launch, stream), 32);
        assert_eq!(std::mem::offset_of!(Attribute, value), 8);
    }
}
