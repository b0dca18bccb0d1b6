//! A thread that reads the meter and the process group at every period, and at once when told that a window begins or ends.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use units::{Nanos, Seconds};

use crate::{
    Effort, Error, Meter, Metering, Nature, Places, ProcessGroup, Result, Trace,
    group::{CpuTime, GroupReader, Kernel, Reach},
};

/// How often new processes are looked for, and a GPU is asked who uses it and in what state it is.
const SIGHT_PERIOD: Seconds = Seconds(1.0);

/// A running sampler. Dropped without [`Sampler::stop`], it ends and what it saw is lost.
pub struct Sampler {
    orders: Sender<Order>,
    thread: JoinHandle<Trace>,
}

enum Order {
    Watch(ProcessGroup, Option<Nanos>),
    Also(Vec<u32>),
    Mark,
    Stop(Option<Total>),
}

/// The kernel's own total of an ended stage.
struct Total {
    cpu: Seconds,
    /// When the stage ended, where that is known.
    ended: Option<Nanos>,
}

impl Sampler {
    /// Starts reading, before the stage: until [`Sampler::watch`] nothing of the stage runs, and the devices are idle. The
    /// first reading has been taken when this returns.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(metering: Metering, places: &Places, interval: Duration) -> Result<Self> {
        let (orders, inbox) = channel();
        let mut watcher = Watcher::new(metering, places, Seconds(interval.as_secs_f64()), Kernel::system());
        watcher.sample(Effort::Sight);
        let thread =
            std::thread::Builder::new().name("meter".to_owned()).spawn(move || watcher.run(&inbox, interval)).map_err(Error::Thread)?;
        Ok(Self { orders, thread })
    }

    /// The stage has started as this process group, at an instant that is not known.
    pub fn watch(&self, group: ProcessGroup) {
        self.order(Order::Watch(group, None));
    }

    /// The stage was spawned as this process group at `spawned`: until then it had used no CPU time at all, so a window that
    /// begins there has an exact edge.
    pub fn watch_since(&self, group: ProcessGroup, spawned: Nanos) {
        self.order(Order::Watch(group, Some(spawned)));
    }

    /// Watches processes outside the group too, and their descendants, as part of the stage: a daemon that works for it, such as a model
    /// server that a command line tool talks to. Their CPU time counts from now on (from [`Sampler::watch`] on, when that comes later), their
    /// memory and the GPUs that they hold as they stand. An id that no process has is passed over.
    pub fn watch_also(&self, pids: Vec<u32>) {
        self.order(Order::Also(pids));
    }

    /// A window begins or ends now: reads at once, so that its edge is known well. Returns without waiting for that.
    pub fn mark(&self) {
        self.order(Order::Mark);
    }

    /// Takes a last reading and ends. `total_cpu` is the kernel's own total of the ended stage (user and system time of the
    /// leader and all children it waited for), which holds what lived between two samples.
    pub fn stop(self, total_cpu: Option<Seconds>) -> Trace {
        self.end(total_cpu.map(|cpu| Total { cpu, ended: None }))
    }

    /// The same for a stage whose end is known: from `ended` on it used no CPU time, so a window that ends there has an exact edge.
    pub fn stop_ended(self, total_cpu: Seconds, ended: Nanos) -> Trace {
        self.end(Some(Total { cpu: total_cpu, ended: Some(ended) }))
    }

    fn end(self, total: Option<Total>) -> Trace {
        self.order(Order::Stop(total));
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn order(&self, order: Order) {
        // The thread ends on Stop alone, so an order that finds no receiver follows a panic, which `stop` passes on.
        let _ = self.orders.send(order);
    }
}

/// What the thread does, without its thread and its clock's pace.
struct Watcher {
    meter: Option<Box<dyn Meter>>,
    group: Option<GroupReader>,
    /// Processes to be watched beside a group that is not known yet.
    also: Vec<u32>,
    places: Places,
    kernel: Kernel,
    /// Every process of the stage so far: one that has just ended may still be listed by a driver.
    stage: Vec<u32>,
    last_sight: Option<Nanos>,
    /// The reading under way is the last.
    ending: bool,
    trace: Trace,
}

impl Watcher {
    fn new(metering: Metering, places: &Places, interval: Seconds, kernel: Kernel) -> Self {
        let (meter, basis, nature) = match metering {
            Metering::By(meter) => {
                let (basis, nature) = (meter.basis(), meter.nature());
                (Some(meter), Ok(basis), nature)
            }
            Metering::Absent(why) => (None, Err(why), Nature::default()),
        };
        let trace = Trace::new(basis, nature, interval, kernel.cores);
        Self {
            meter,
            group: None,
            also: Vec::new(),
            places: places.clone(),
            kernel,
            stage: Vec::new(),
            last_sight: None,
            ending: false,
            trace,
        }
    }

    fn run(mut self, inbox: &Receiver<Order>, interval: Duration) -> Trace {
        let interval = interval.as_nanos().max(1_000_000) as u64;
        let mut due = record::clock::now().get() + interval;
        loop {
            let left = due.saturating_sub(record::clock::now().get());
            match inbox.recv_timeout(Duration::from_nanos(left)) {
                Ok(Order::Watch(group, spawned)) => {
                    self.watch(group, spawned);
                    self.sample(Effort::Edge);
                }
                Ok(Order::Also(pids)) => {
                    self.watch_also(pids);
                    self.sample(Effort::Edge);
                }
                Ok(Order::Mark) => self.sample(Effort::Edge),
                Ok(Order::Stop(total)) => return self.finish(total),
                Err(RecvTimeoutError::Timeout) => {
                    self.sample(Effort::Quick);
                    // A late sample does not make the next ones hurry.
                    let now = record::clock::now().get();
                    due = if due + interval > now { due + interval } else { now + interval };
                }
                Err(RecvTimeoutError::Disconnected) => return self.trace,
            }
        }
    }

    fn watch(&mut self, group: ProcessGroup, spawned: Option<Nanos>) {
        if let Some(spawned) = spawned {
            self.trace.spawned(spawned);
        }
        let mut reader = GroupReader::new(self.places.proc.clone(), self.kernel, group);
        reader.also(&std::mem::take(&mut self.also));
        self.group = Some(reader);
    }

    fn watch_also(&mut self, pids: Vec<u32>) {
        match &mut self.group {
            Some(group) => group.also(&pids),
            None => self.also.extend(pids),
        }
    }

    /// Reads the group first: it is cheap, and the edge of a window is now.
    fn sample(&mut self, effort: Effort) {
        let at = record::clock::now();
        let effort = self.due_effort(at, effort);
        match &mut self.group {
            None => self.trace.before_stage(at),
            Some(group) => {
                let reach = if effort == Effort::Quick { Reach::Members } else { Reach::Everyone };
                let sample = group.read(at, reach);
                self.trace.group(at, &sample);
                let known = &mut self.stage;
                known.extend(sample.pids);
                known.sort_unstable();
                known.dedup();
            }
        }
        self.read_meter(effort);
    }

    /// The effort asked for, or more when a sight is due.
    fn due_effort(&mut self, at: Nanos, asked: Effort) -> Effort {
        let is_due = self.last_sight.is_none_or(|last| at.since(last) >= SIGHT_PERIOD);
        let effort = if is_due { asked.max(Effort::Sight) } else { asked };
        if effort >= Effort::Sight {
            self.last_sight = Some(at);
        }
        effort
    }

    fn read_meter(&mut self, effort: Effort) {
        if let Some(meter) = &mut self.meter {
            let readings = if self.ending { meter.finish(&self.stage) } else { meter.read(effort, &self.stage) };
            self.trace.devices(readings);
        }
    }

    fn finish(mut self, total: Option<Total>) -> Trace {
        self.ending = true;
        match total {
            None => self.sample(Effort::Edge),
            Some(total) => {
                let at = record::clock::now();
                // The kernel's total is that of the leader and its children: what worked beside the group is not in it.
                let beside = self.group.as_mut().map(|group| group.read(at, Reach::Members).beside);
                // Processes beside the group work on after its end.
                if let Some(ended) = total.ended.filter(|_| beside.is_none_or(|beside| beside == CpuTime::default())) {
                    self.trace.ended(ended, total.cpu);
                }
                self.trace.total_cpu(at, total.cpu, beside);
                self.read_meter(Effort::Edge);
            }
        }
        self.trace
    }
}
