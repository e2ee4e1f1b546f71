//! Indirect calls: trait objects of many kinds, closures in boxes, and function pointers in tables.

#[path = "bench.rs"]
mod bench;

use bench::{Random, mix};

trait Shape {
    fn area(&self) -> f64;
    fn grow(&mut self, factor: f64);
    fn kind(&self) -> u32;
}

macro_rules! shapes {
    ($($name:ident($($field:ident),*) = $kind:literal, $area:expr;)*) => {$(
        struct $name { $($field: f64),* }

        impl Shape for $name {
            fn area(&self) -> f64 {
                let $name { $($field),* } = self;
                $area
            }

            fn grow(&mut self, factor: f64) {
                $(self.$field *= factor;)*
            }

            fn kind(&self) -> u32 {
                $kind
            }
        }
    )*};
}

shapes! {
    Circle(radius) = 1, 3.0 * radius * radius;
    Square(side) = 2, side * side;
    Rectangle(width, height) = 3, width * height;
    Triangle(base, height) = 4, 0.5 * base * height;
    Ring(outer, inner) = 5, 3.0 * (outer * outer - inner * inner);
    Box3(x, y, z) = 6, 2.0 * (x * y + y * z + z * x);
}

fn shape(random: &mut Random) -> Box<dyn Shape> {
    let r = random.next();
    let (x, y, z) = ((r >> 8 & 63) as f64 + 1.0, (r >> 16 & 63) as f64 + 1.0, (r >> 24 & 63) as f64 + 1.0);
    match r % 6 {
        0 => Box::new(Circle { radius: x }),
        1 => Box::new(Square { side: x }),
        2 => Box::new(Rectangle { width: x, height: y }),
        3 => Box::new(Triangle { base: x, height: y }),
        4 => Box::new(Ring { outer: x + y, inner: y }),
        _ => Box::new(Box3 { x, y, z }),
    }
}

type Step = fn(u64, u64) -> u64;

fn add(x: u64, y: u64) -> u64 {
    x.wrapping_add(y)
}
fn xor(x: u64, y: u64) -> u64 {
    x ^ y
}
fn rotate(x: u64, y: u64) -> u64 {
    x.rotate_left(y as u32 & 63)
}
fn multiply(x: u64, y: u64) -> u64 {
    x.wrapping_mul(y | 1)
}
fn shift(x: u64, y: u64) -> u64 {
    x ^ (x >> (y & 31))
}
fn subtract(x: u64, y: u64) -> u64 {
    y.wrapping_sub(x)
}

#[unsafe(no_mangle)]
pub extern "C" fn run(n: i32) -> i64 {
    let mut random = Random(77);
    let mut sum = 0;

    let mut shapes: Vec<Box<dyn Shape>> = (0..1000).map(|_| shape(&mut random)).collect();
    for round in 0..n {
        let factor = if round % 2 == 0 { 1.25 } else { 0.8 };
        let mut area = 0.0;
        let mut kinds = 0;
        for shape in &mut shapes {
            shape.grow(factor);
            area += shape.area();
            kinds = kinds * 7 + u64::from(shape.kind());
            kinds %= 1_000_003;
        }
        sum = mix(mix(sum, area.to_bits()), kinds);
    }

    let closures: Vec<Box<dyn Fn(u64) -> u64>> = (0..64)
        .map(|_| {
            let r = random.next();
            match r % 4 {
                0 => Box::new(move |x: u64| x.wrapping_add(r)) as Box<dyn Fn(u64) -> u64>,
                1 => Box::new(move |x: u64| x ^ r),
                2 => Box::new(move |x: u64| x.wrapping_mul(r | 1)),
                _ => Box::new(move |x: u64| x.rotate_right(r as u32 & 31)),
            }
        })
        .collect();
    const STEPS: [Step; 6] = [add, xor, rotate, multiply, shift, subtract];
    let program: Vec<u8> = (0..256).map(|_| random.below(6) as u8).collect();
    for round in 0..n {
        let mut value = round as u64;
        for closure in &closures {
            value = closure(value);
        }
        for (at, &step) in program.iter().enumerate() {
            value = STEPS[usize::from(step)](value, at as u64);
        }
        sum = mix(sum, value);
    }
    sum as i64
}
