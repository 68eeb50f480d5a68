//! A server in the test's own process and thread, under a clock that moves when the test waits.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use engine::Module;
use sim::{ConnId, Machine};

use crate::target::{Arrival, Connection, Target};

/// A simulated server as a target. What its connections do is also seen through `machine`.
pub struct InProcess {
    pub machine: Rc<RefCell<Machine>>,
}

impl InProcess {
    /// A server of these modules, its parameters changed by pairs of name and value.
    pub fn new(modules: &[&'static Module], parameters: &[(&str, &str)], seed: u64) -> InProcess {
        let machine = Machine::new(modules, parameters, seed);
        InProcess { machine: Rc::new(RefCell::new(machine)) }
    }
}

impl Target for InProcess {
    fn connect(&mut self) -> io::Result<Box<dyn Connection>> {
        let id = self.machine.borrow_mut().connect();
        Ok(Box::new(Line { machine: self.machine.clone(), id }))
    }

    fn sleep(&mut self, time: Duration) {
        self.machine.borrow_mut().advance_ms(time.as_millis() as i64);
    }

    fn now_ms(&self) -> u64 {
        self.machine.borrow().server.now_ms() as u64
    }
}

struct Line {
    machine: Rc<RefCell<Machine>>,
    id: ConnId,
}

impl Connection for Line {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.machine.borrow_mut().send(self.id, bytes);
        Ok(())
    }

    /// Waiting for a reply is what makes time pass, in steps from one moment to the next at which
    /// something can happen.
    fn receive(&mut self, into: &mut Vec<u8>, patience: Duration) -> io::Result<Arrival> {
        let mut machine = self.machine.borrow_mut();
        let end_ms = machine.server.now_ms() + patience.as_millis() as i64;
        loop {
            let mut output = machine.take(self.id);
            if !output.is_empty() {
                into.append(&mut output);
                return Ok(Arrival::Bytes);
            }
            if !machine.is_open(self.id) {
                return Ok(Arrival::Closed);
            }
            let now_ms = machine.server.now_ms();
            if now_ms >= end_ms {
                return Ok(Arrival::Quiet);
            }
            let next_ms = machine.next_ms().map_or(end_ms, |next_ms| next_ms.min(end_ms));
            machine.advance_ms(next_ms - now_ms);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.machine.borrow_mut().disconnect(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Client, Received};
    use crate::value::Value;

    #[test]
    fn who_waits_lets_time_pass() {
        let mut target = InProcess::new(catalog::MODULES, &[], 1);
        let start_ms = target.now_ms();
        let (mut a, mut b) =
            (Client::connect(&mut target).unwrap(), Client::connect(&mut target).unwrap());
        a.call(&["CLIENT", "PAUSE", "1000"]).unwrap();
        b.send(b"PING\r\n").unwrap();
        assert_eq!(b.receive(Duration::from_millis(300)).unwrap(), Received::Quiet);
        let pong = Received::Reply(Value::Simple(b"PONG".to_vec()));
        assert_eq!(b.receive(Duration::from_secs(10)).unwrap(), pong);
        assert_eq!(target.now_ms() - start_ms, 1000);
    }

    #[test]
    fn who_waits_goes_on_when_another_says_so() {
        let mut target = InProcess::new(catalog::MODULES, &[], 1);
        let start_ms = target.now_ms();
        let (mut a, mut b) =
            (Client::connect(&mut target).unwrap(), Client::connect(&mut target).unwrap());
        a.call(&["CLIENT", "PAUSE", "1000", "WRITE"]).unwrap();
        b.send(b"SET k v\r\n").unwrap();
        a.call(&["CLIENT", "UNPAUSE"]).unwrap();
        let ok = Received::Reply(Value::Simple(b"OK".to_vec()));
        assert_eq!(b.receive(Duration::ZERO).unwrap(), ok);
        b.call(&["CLIENT", "KILL", "TYPE", "normal"]).unwrap();
        assert_eq!(a.receive(Duration::ZERO).unwrap(), Received::Closed);
        assert_eq!(target.now_ms(), start_ms);
    }
}
