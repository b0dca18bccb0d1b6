//! Memory on the GPU: allocated once, typed, freed when dropped. What is in it before something was written is undefined but harmless.

use std::marker::PhantomData;

use half::{bf16, f16};

use crate::driver::Address;
use crate::{Error, Gpu, Result};

/// Values that may lie on a GPU: every pattern of bits is one.
///
/// # Safety
/// As the first line says, and the type has no padding.
#[expect(unsafe_code, reason = "which types are plain bits is for us to promise")]
pub unsafe trait Plain: Copy + 'static {}

macro_rules! plain {
    ($($type:ty)*) => { $(
        #[expect(unsafe_code, reason = "which types are plain bits is for us to promise")]
        // SAFETY: a number without padding.
        unsafe impl Plain for $type {}
    )* };
}
plain! { u8 u16 u32 i32 f32 f16 bf16 }

/// `len` values on a GPU.
pub struct Buffer<T: Plain> {
    gpu: Gpu,
    address: Address,
    len: usize,
    values: PhantomData<*mut T>,
}

impl<T: Plain> Buffer<T> {
    /// Room for `len` values.
    ///
    /// # Errors
    /// When the GPU has no room.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub fn new(gpu: &Gpu, len: usize) -> Result<Self> {
        let mut address = 0;
        // SAFETY: the pointer is to a live local; the memory lives until this is dropped.
        let status = unsafe { (gpu.bound()?.allocate)(&raw mut address, (len * size_of::<T>()).max(1)) };
        gpu.check(status, "allocating GPU memory")?;
        Ok(Self { gpu: gpu.clone(), address, len, values: PhantomData })
    }

    /// Room for `len` values, all of them zero bits.
    ///
    /// # Errors
    /// When the GPU has no room.
    pub fn zeros(gpu: &Gpu, len: usize) -> Result<Self> {
        let mut buffer = Self::new(gpu, len)?;
        buffer.fill(0)?;
        Ok(buffer)
    }

    /// These values.
    ///
    /// # Errors
    /// When the GPU has no room, or copying fails.
    pub fn of(gpu: &Gpu, values: &[T]) -> Result<Self> {
        let mut buffer = Self::new(gpu, values.len())?;
        buffer.write(0, values)?;
        Ok(buffer)
    }

    /// The values of all parts, one after the other; a single part stays where it is.
    pub(crate) fn joined(mut parts: Vec<Self>) -> Result<Self> {
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        let Some(first) = parts.first() else { return Err(Error::Length { what: "joined memory", expected: 1, got: 0 }) };
        let joined = Self::new(&first.gpu, parts.iter().map(Self::len).sum())?;
        let mut at = 0;
        for part in &parts {
            joined.copy_from(at, part)?;
            at += part.len;
        }
        Ok(joined)
    }

    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    fn copy_from(&self, at: usize, other: &Self) -> Result<()> {
        self.fits(at, other.len)?;
        // SAFETY: checked to lie within the memory; freeing `other` waits for the copy.
        let status = unsafe { (self.gpu.bound()?.copy)(self.address_at(at), other.address, other.len * size_of::<T>(), self.gpu.stream()) };
        self.gpu.check(status, "copying on the GPU")
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> u64 {
        (self.len * size_of::<T>()) as u64
    }

    /// Sets every byte.
    ///
    /// # Errors
    /// When the driver fails.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub fn fill(&mut self, byte: u8) -> Result<()> {
        // SAFETY: the memory is ours and has this many bytes.
        let status = unsafe { (self.gpu.bound()?.fill)(self.address, byte, self.len * size_of::<T>(), self.gpu.stream()) };
        self.gpu.check(status, "filling GPU memory")
    }

    /// Overwrites values from `at` on, and waits until it is done.
    ///
    /// # Errors
    /// When they do not fit, or copying fails.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub fn write(&mut self, at: usize, values: &[T]) -> Result<()> {
        self.fits(at, values.len())?;
        // SAFETY: checked to lie within the memory; the values live until the copy is done, which is waited for.
        let status =
            unsafe { (self.gpu.bound()?.to_device)(self.address_at(at), values.as_ptr().cast(), size_of_val(values), self.gpu.stream()) };
        self.gpu.check(status, "copying to the GPU")?;
        self.gpu.wait()
    }

    /// Reads values from `at` on, after all work that was handed to the GPU before.
    ///
    /// # Errors
    /// When there are not so many, or earlier work or copying failed.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub fn read_into(&self, at: usize, values: &mut [T]) -> Result<()> {
        self.fits(at, values.len())?;
        // SAFETY: checked to lie within the memory; any bits are a value; the copy is waited for before the slice is given back.
        let status =
            unsafe { (self.gpu.bound()?.to_host)(values.as_mut_ptr().cast(), self.address_at(at), size_of_val(values), self.gpu.stream()) };
        self.gpu.check(status, "copying from the GPU")?;
        self.gpu.wait()
    }

    /// All values, after all work that was handed to the GPU before.
    ///
    /// # Errors
    /// When earlier work or copying failed.
    pub fn read(&self) -> Result<Vec<T>>
    where
        T: Default,
    {
        let mut values = vec![T::default(); self.len];
        self.read_into(0, &mut values)?;
        Ok(values)
    }

    /// The GPU that it lies on.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    pub(crate) fn address(&self) -> Address {
        self.address
    }

    pub(crate) fn address_at(&self, at: usize) -> Address {
        self.address + (at * size_of::<T>()) as u64
    }

    /// An error unless there are at least so many values.
    pub(crate) fn holds(&self, what: &'static str, expected: usize) -> Result<Address> {
        if self.len < expected {
            return Err(Error::Length { what, expected, got: self.len });
        }
        Ok(self.address)
    }

    fn fits(&self, at: usize, count: usize) -> Result<()> {
        match at.checked_add(count) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(Error::Length { what: "GPU memory", expected: at.saturating_add(count), got: self.len }),
        }
    }
}

impl<T: Plain> Drop for Buffer<T> {
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    fn drop(&mut self) {
        if let Ok(driver) = self.gpu.bound() {
            // SAFETY: ours and used no more: freeing waits for work that still uses it.
            unsafe { (driver.free)(self.address) };
        }
    }
}

impl<T: Plain> std::fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buffer").field("type", &std::any::type_name::<T>()).field("len", &self.len).finish_non_exhaustive()
    }
}
