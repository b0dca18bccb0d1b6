//! A GPU: opened by number, with a context, one stream that all work goes through, and the marks in it that time is taken between.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::rc::Rc;

use crate::driver::{self, Driver};
use crate::{Error, Result};

/// A GPU that is open. Clones are the same GPU; it is closed when the last of them and of what lives on it is gone.
#[derive(Clone)]
pub struct Gpu(Rc<Inner>);

/// What is known of a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// CUDA's number for it.
    pub index: u32,
    /// Its name, such as `NVIDIA H200`.
    pub name: String,
    /// Compute capability, such as (9, 0).
    pub capability: (u32, u32),
    /// Multiprocessors.
    pub multiprocessors: u32,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes of shared memory that a block may have.
    pub shared_bytes: u32,
    /// The newest version of CUDA that the driver knows, such as (13, 0).
    pub driver: (u32, u32),
}

struct Inner {
    driver: Driver,
    device: c_int,
    context: driver::Context,
    stream: driver::Stream,
    facts: Facts,
}

/// A point in the GPU's work, to take time between two of them.
pub struct Mark {
    gpu: Gpu,
    event: driver::Event,
}

impl Gpu {
    /// Opens the GPU with CUDA's number `index`.
    ///
    /// # Errors
    /// When there is no driver, no such GPU, or it cannot be used.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub fn open(index: u32) -> Result<Self> {
        let driver = Driver::load()?;
        let count = count(&driver)?;
        let mut device = 0;
        let number = c_int::try_from(index).ok().filter(|_| index < count).ok_or(Error::NoGpu { index, count })?;
        // SAFETY: the pointer is to a live local.
        driver.check(unsafe { (driver.device)(&raw mut device, number) }, "finding the GPU")?;
        let facts = facts(&driver, device, index)?;
        let (mut context, mut stream) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the pointers are to live locals; the context stays retained until `Inner` is dropped.
        unsafe {
            driver.check((driver.retain)(&raw mut context, device), "making a context on the GPU")?;
            driver.check((driver.set_current)(context), "using the context")?;
            driver.check((driver.stream_create)(&raw mut stream, driver::NON_BLOCKING), "making a stream")?;
        }
        Ok(Self(Rc::new(Inner { driver, device, context, stream, facts })))
    }

    /// What is known of it.
    pub fn facts(&self) -> &Facts {
        &self.0.facts
    }

    /// Free bytes and all bytes of its memory.
    ///
    /// # Errors
    /// When the driver does not say.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub fn memory(&self) -> Result<(u64, u64)> {
        let (mut free, mut all) = (0, 0);
        // SAFETY: the pointers are to live locals.
        let status = unsafe { (self.bound()?.memory_info)(&raw mut free, &raw mut all) };
        self.check(status, "asking for free memory")?;
        Ok((free as u64, all as u64))
    }

    /// Waits until everything that was handed to the GPU is done.
    ///
    /// # Errors
    /// When any of it failed.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub fn wait(&self) -> Result<()> {
        // SAFETY: the stream lives as long as this.
        let status = unsafe { (self.bound()?.stream_synchronize)(self.stream()) };
        self.check(status, "running kernels")
    }

    /// A mark behind all that was handed to the GPU so far.
    ///
    /// # Errors
    /// When the driver fails.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub fn mark(&self) -> Result<Mark> {
        let driver = self.bound()?;
        let mut event = ptr::null_mut();
        // SAFETY: the pointer is to a live local; the event lives until `Mark` is dropped.
        unsafe {
            self.check((driver.event_create)(&raw mut event, 0), "making an event")?;
            self.check((driver.event_record)(event, self.stream()), "recording an event")?;
        }
        Ok(Mark { gpu: self.clone(), event })
    }

    /// The driver, with this GPU's context current on the calling thread.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub(crate) fn bound(&self) -> Result<&Driver> {
        // SAFETY: the context is retained.
        self.check(unsafe { (self.0.driver.set_current)(self.0.context) }, "using the context")?;
        Ok(&self.0.driver)
    }

    pub(crate) fn stream(&self) -> driver::Stream {
        self.0.stream
    }

    pub(crate) fn check(&self, status: c_int, doing: &'static str) -> Result<()> {
        self.0.driver.check(status, doing)
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Gpu").field(&self.0.facts).finish()
    }
}

impl Mark {
    /// Seconds from an earlier mark to this one, by the GPU's own clock. Both must have been reached ([`Gpu::wait`]).
    ///
    /// # Errors
    /// When one of them has not been reached.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub fn seconds_since(&self, earlier: &Self) -> Result<f64> {
        let mut milliseconds = 0.0;
        // SAFETY: both events live; the pointer is to a live local.
        let status = unsafe { (self.gpu.bound()?.event_elapsed)(&raw mut milliseconds, earlier.event, self.event) };
        self.gpu.check(status, "reading an event")?;
        Ok(f64::from(milliseconds) / 1e3)
    }
}

impl Drop for Mark {
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    fn drop(&mut self) {
        if let Ok(driver) = self.gpu.bound() {
            // SAFETY: the event is ours and used no more. A failure would be one of earlier work, which is reported where that is waited for.
            unsafe { (driver.event_destroy)(self.event) };
        }
    }
}

impl Drop for Inner {
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    fn drop(&mut self) {
        // SAFETY: nothing that lives on the GPU is left, as all of it holds a clone of `Gpu`.
        unsafe {
            (self.driver.set_current)(self.context);
            (self.driver.stream_destroy)(self.stream);
            (self.driver.release)(self.device);
        }
    }
}

/// GPUs that CUDA sees.
#[expect(unsafe_code, reason = "the CUDA driver is a C library")]
pub(crate) fn count(driver: &Driver) -> Result<u32> {
    let mut count = 0;
    // SAFETY: the pointer is to a live local.
    driver.check(unsafe { (driver.device_count)(&raw mut count) }, "counting GPUs")?;
    Ok(count.unsigned_abs())
}

#[expect(unsafe_code, reason = "the CUDA driver is a C library")]
fn facts(driver: &Driver, device: c_int, index: u32) -> Result<Facts> {
    let attribute = |which| {
        let mut value = 0;
        // SAFETY: the pointer is to a live local.
        driver.check(unsafe { (driver.device_attribute)(&raw mut value, which, device) }, "asking what the GPU can do")?;
        Ok::<u32, Error>(value.unsigned_abs())
    };
    let mut name: [c_char; 256] = [0; 256];
    let mut memory = 0;
    // SAFETY: the call writes at most the length it is given, the last byte a zero; both pointers are to live locals.
    let name = unsafe {
        driver.check((driver.device_name)(name.as_mut_ptr(), 255, device), "asking for the GPU's name")?;
        driver.check((driver.device_memory)(&raw mut memory, device), "asking for the GPU's memory")?;
        CStr::from_ptr(name.as_ptr()).to_string_lossy().into_owned()
    };
    let version = driver.version()?;
    let facts = Facts {
        index,
        capability: (attribute(driver::MAJOR)?, attribute(driver::MINOR)?),
        multiprocessors: attribute(driver::SM_COUNT)?,
        shared_bytes: attribute(driver::SHARED_PER_BLOCK)?,
        memory_bytes: memory as u64,
        driver: (version / 1000, version % 1000 / 10),
        name,
    };
    if facts.capability < OLDEST {
        return Err(Error::TooOld { name: facts.name, capability: facts.capability });
    }
    Ok(facts)
}

/// Turing: the T4.
const OLDEST: (u32, u32) = (7, 5);
