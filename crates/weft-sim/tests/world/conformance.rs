//! The simulated fleet passes the conformance suite of drivers, and a driver that breaks a promise
//! does not.

use crate::fleet::{Small, host, live_order, workload};
use weft_core::id::MoveId;
use weft_core::observation::{MoveOrder, MoveStatus, Observation};
use weft_core::time::Span;
use weft_driver::conformance::{Rehearsal, run};
use weft_driver::{Capabilities, Driver, DriverError};
use weft_sim::world::World;

const MEGABYTE: u64 = 1_000_000;

fn world() -> World {
    let mut guest = workload("guest", 2, 1_000 * MEGABYTE);
    guest.mobility.max_replicas = 2;
    guest.dirty_rate_bytes_per_second = 20 * MEGABYTE;
    let small = Small::new(vec![host("one", 4), host("two", 4)]).with(guest, "one", &[1_000.0]);
    World::new(small.spec()).expect("two hosts and a guest")
}

fn rehearse<D>(driver: D, pass: fn(&mut D, Span)) -> Rehearsal<D> {
    Rehearsal {
        driver,
        pass,
        workload: "guest".into(),
        source: "one".into(),
        target: "two".into(),
        bandwidth_bytes_per_second: 100 * MEGABYTE,
        downtime_limit: Span::from_millis(500),
        patience: Span::from_minutes(10),
    }
}

fn advance(world: &mut World, length: Span) {
    let to = world.now() + length;
    world.advance(to);
}

#[test]
fn the_world_keeps_every_promise() {
    let made = run(|| rehearse(world(), advance));
    assert_eq!(made, Ok(()));
}

/// Takes a second order for a new one.
struct Forgetful {
    world: World,
    orders: u64,
}

impl Driver for Forgetful {
    fn capabilities(&self) -> Capabilities {
        self.world.capabilities()
    }

    fn observe(&mut self) -> Result<Observation, DriverError> {
        self.world.observe()
    }

    fn start(&mut self, order: &MoveOrder) -> Result<(), DriverError> {
        self.orders += 1;
        self.world.cancel(order.id)?;
        let id = MoveId(order.id.0 * 100 + self.orders);
        self.world.start(&MoveOrder { id, ..order.clone() })
    }

    fn poll(&mut self, id: MoveId) -> Result<MoveStatus, DriverError> {
        self.world.poll(MoveId(id.0 * 100 + self.orders))
    }

    fn cancel(&mut self, id: MoveId) -> Result<(), DriverError> {
        self.world.cancel(MoveId(id.0 * 100 + self.orders))
    }
}

#[test]
fn a_forgetful_driver_is_found_out() {
    let make = || {
        let driver = Forgetful { world: world(), orders: 0 };
        rehearse(driver, |driver, length| advance(&mut driver.world, length))
    };
    let breach = run(make).expect_err("it starts a move for every order");
    assert!(breach.to_string().contains("expected"), "{breach}");
}

#[test]
fn an_order_is_one_move_however_often_it_is_given() {
    let mut world = world();
    let order = live_order(1, "guest", "one", "two");
    for _ in 0..5 {
        world.start(&order).expect("the world answers");
        advance(&mut world, Span::from_seconds(5));
    }
    assert_eq!(world.judge().metrics().migrations, 1);
}
