//! Products of many rows, `y = x Wᵀ`, by cuBLASLt.
//!
//! Types, attributes and constants: cuBLAS documentation, "Using the cuBLASLt API", version 12.0. Matrices there are column-major: a row-major
//! `[r, c]` is a column-major `c × r`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::{c_int, c_void};
use std::ptr;

use crate::driver::Address;
use crate::kernels::Half;
use crate::library::{self, Loaded, Status, functions};
use crate::{Buffer, Error, Gpu, Result};

type Handle = *mut c_void;
type Description = *mut c_void;
type Layout = *mut c_void;
type Preference = *mut c_void;

/// `cublasLtMatmulHeuristicResult_t`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Heuristic {
    algorithm: [u64; 8],
    workspace_bytes: usize,
    state: Status,
    waves: f32,
    reserved: [c_int; 4],
}

functions! {
    /// cuBLASLt.
    struct CublasLt {
        create = "cublasLtCreate"(*mut Handle) -> Status;
        destroy = "cublasLtDestroy"(Handle) -> Status;
        version = "cublasLtGetVersion"() -> usize;
        description_create = "cublasLtMatmulDescCreate"(*mut Description, c_int, c_int) -> Status;
        description_set = "cublasLtMatmulDescSetAttribute"(Description, c_int, *const c_void, usize) -> Status;
        description_destroy = "cublasLtMatmulDescDestroy"(Description) -> Status;
        layout_create = "cublasLtMatrixLayoutCreate"(*mut Layout, c_int, u64, u64, i64) -> Status;
        layout_destroy = "cublasLtMatrixLayoutDestroy"(Layout) -> Status;
        preference_create = "cublasLtMatmulPreferenceCreate"(*mut Preference) -> Status;
        preference_set = "cublasLtMatmulPreferenceSetAttribute"(Preference, c_int, *const c_void, usize) -> Status;
        preference_destroy = "cublasLtMatmulPreferenceDestroy"(Preference) -> Status;
        heuristic = "cublasLtMatmulAlgoGetHeuristic"(
            Handle, Description, Layout, Layout, Layout, Layout, Preference, c_int, *mut Heuristic, *mut c_int,
        ) -> Status;
        matmul = "cublasLtMatmul"(
            Handle, Description, *const c_void, *const c_void, Layout, *const c_void, Layout, *const c_void, *const c_void, Layout,
            *mut c_void, Layout, *const u64, *mut c_void, usize, *mut c_void,
        ) -> Status;
    }
}

const R_32F: c_int = 0;
const R_16F: c_int = 2;
const R_16BF: c_int = 14;
const COMPUTE_32F: c_int = 68;
/// `CUBLASLT_MATMUL_DESC_TRANSA`.
const TRANSPOSE_A: c_int = 3;
/// `CUBLAS_OP_T`.
const TRANSPOSED: i32 = 1;
/// `CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES`.
const MAX_WORKSPACE: c_int = 1;
/// What NVIDIA recommends on Hopper.
const WORKSPACE_BYTES: usize = 32 << 20;

/// Where a product goes.
#[derive(Clone, Copy, Debug)]
pub enum Into<'a> {
    /// Written as f32.
    Wide(&'a Buffer<f32>),
    /// Added to what is there.
    Add(&'a Buffer<f32>),
    /// Written narrowed.
    Narrow(&'a Buffer<u16>),
}

/// The product of 16-bit matrices with f32 sums, and the memory it works in.
pub struct Matmul {
    gpu: Gpu,
    blas: CublasLt,
    handle: Handle,
    half: Half,
    workspace: Buffer<u8>,
    plans: RefCell<HashMap<(usize, usize, usize, bool), Plan>>,
}

/// How one shape of product is done.
struct Plan {
    description: Description,
    layouts: [Layout; 3],
    algorithm: [u64; 8],
}

impl Matmul {
    /// Finds cuBLASLt and starts it.
    ///
    /// # Errors
    /// When there is none, or the GPU has no room.
    #[expect(unsafe_code, reason = "cuBLASLt is a C library")]
    pub fn new(gpu: &Gpu, half: Half) -> Result<Self> {
        let blas = CublasLt::of(Loaded::find("cuBLASLt", &library::names("cublasLt", gpu.facts().driver.0))?)?;
        gpu.bound()?;
        let mut handle = ptr::null_mut();
        // SAFETY: the pointer is to a live local.
        check(unsafe { (blas.create)(&raw mut handle) }, "starting cuBLASLt")?;
        Ok(Self { gpu: gpu.clone(), blas, handle, half, workspace: Buffer::new(gpu, WORKSPACE_BYTES)?, plans: RefCell::default() })
    }

    /// cuBLASLt's version: 10000 · major + 100 · minor + patch from 13 on, 10000 · major + … before.
    #[expect(unsafe_code, reason = "cuBLASLt is a C library")]
    pub fn version(&self) -> usize {
        // SAFETY: takes nothing.
        unsafe { (self.blas.version)() }
    }

    /// `x Wᵀ` for x of `[rows, k]` and W of `[n, k]`, into `[rows, n]`.
    ///
    /// # Errors
    /// When memory is too short, or cuBLASLt fails.
    #[expect(unsafe_code, reason = "cuBLASLt is a C library")]
    pub fn multiply(&self, weight: &Buffer<u16>, x: &Buffer<u16>, into: Into, (rows, n, k): (usize, usize, usize)) -> Result<()> {
        let a = weight.holds("weight", n * k)?;
        let b = x.holds("input", rows * k)?;
        let (d, beta, narrow) = match into {
            Into::Wide(y) => (y.holds("output", rows * n)?, 0.0f32, false),
            Into::Add(y) => (y.holds("output", rows * n)?, 1.0, false),
            Into::Narrow(y) => (y.holds("output", rows * n)?, 0.0, true),
        };
        let mut plans = self.plans.borrow_mut();
        let key = (rows, n, k, narrow);
        let plan = match plans.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(self.plan(key)?),
        };
        let alpha = 1.0f32;
        self.gpu.bound()?;
        // SAFETY: the lengths were checked against the layouts; everything lives until the call returns, and the memory as long as the GPU's stream
        // needs it, since freeing waits.
        let status = unsafe {
            (self.blas.matmul)(
                self.handle,
                plan.description,
                (&raw const alpha).cast(),
                on_gpu(a),
                plan.layouts[0],
                on_gpu(b),
                plan.layouts[1],
                (&raw const beta).cast(),
                on_gpu(d),
                plan.layouts[2],
                on_gpu(d).cast_mut(),
                plan.layouts[2],
                plan.algorithm.as_ptr(),
                on_gpu(self.workspace.address()).cast_mut(),
                WORKSPACE_BYTES,
                self.gpu.stream(),
            )
        };
        check(status, "multiplying matrices")
    }

    #[expect(unsafe_code, reason = "cuBLASLt is a C library")]
    fn plan(&self, (rows, n, k, narrow): (usize, usize, usize, bool)) -> Result<Plan> {
        let stored = if self.half == Half::Bf16 { R_16BF } else { R_16F };
        let mut plan = Plan { description: ptr::null_mut(), layouts: [ptr::null_mut(); 3], algorithm: [0; 8] };
        let made = if narrow { stored } else { R_32F };
        let mut preference = ptr::null_mut();
        let mut found = Heuristic { algorithm: [0; 8], workspace_bytes: 0, state: 0, waves: 0.0, reserved: [0; 4] };
        let mut count = 0;
        let blas = &self.blas;
        // SAFETY: pointers are to live locals of the types that the calls take; what is created here lives until `Matmul` is dropped.
        unsafe {
            check((blas.description_create)(&raw mut plan.description, COMPUTE_32F, R_32F), "describing a product")?;
            let transposed = ptr::from_ref(&TRANSPOSED).cast();
            check((blas.description_set)(plan.description, TRANSPOSE_A, transposed, size_of::<i32>()), "describing a product")?;
            for (layout, (kind, height, width)) in plan.layouts.iter_mut().zip([(stored, k, n), (stored, k, rows), (made, n, rows)]) {
                check((blas.layout_create)(layout, kind, height as u64, width as u64, height as i64), "describing a matrix")?;
            }
            check((blas.preference_create)(&raw mut preference), "asking for an algorithm")?;
            let bytes = ptr::from_ref(&WORKSPACE_BYTES).cast();
            check((blas.preference_set)(preference, MAX_WORKSPACE, bytes, size_of::<usize>()), "asking for an algorithm")?;
            let [a, b, d] = plan.layouts;
            let status = (blas.heuristic)(self.handle, plan.description, a, b, d, d, preference, 1, &raw mut found, &raw mut count);
            (blas.preference_destroy)(preference);
            check(status, "asking for an algorithm")?;
        }
        if count == 0 {
            return Err(Error::Blas { doing: "asking for an algorithm: there is none", code: found.state });
        }
        plan.algorithm = found.algorithm;
        Ok(plan)
    }
}

impl Drop for Matmul {
    #[expect(unsafe_code, reason = "cuBLASLt is a C library")]
    fn drop(&mut self) {
        if self.gpu.bound().is_err() {
            return;
        }
        // SAFETY: all of it is ours and used no more.
        unsafe {
            for plan in self.plans.get_mut().values() {
                (self.blas.description_destroy)(plan.description);
                for layout in plan.layouts {
                    (self.blas.layout_destroy)(layout);
                }
            }
            (self.blas.destroy)(self.handle);
        }
    }
}

impl std::fmt::Debug for Matmul {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Matmul").field("half", &self.half).finish_non_exhaustive()
    }
}

/// An address on the GPU as the C types want it; never followed here.
fn on_gpu(address: Address) -> *const c_void {
    ptr::without_provenance(address as usize)
}

fn check(code: Status, doing: &'static str) -> Result<()> {
    if code == 0 { Ok(()) } else { Err(Error::Blas { doing, code }) }
}

#[cfg(test)]
mod tests {
    use super::Heuristic;

    #[test]
    fn the_structure_has_the_layout_of_the_c_header() {
        assert_eq!(size_of::<Heuristic>(), 96);
        assert_eq!(std::mem::offset_of!(Heuristic, state), 72);
    }
}
