//! LOLWUT: a small picture, different every time, and the version.
//!
//! Version 5 takes columns, squares in a row and squares in a column, like the picture that Redis
//! drew first; the squares here are brick courses that come loose towards the bottom. Version 6
//! draws a skyline of columns and rows. Any other version gives the version line alone, as in
//! Redis.

use super::{Args, CmdError, CmdResult, Cx, Outcome};
use engine::command::{Command, Flags, command, integer};
use engine::error;
use engine::server::{CINNABAR_VERSION, REDIS_VERSION};
use stdx::prng::Prng;

pub(super) const LOLWUT: Command = command("LOLWUT", lolwut)
    .summary("Draws a picture and gives the version.")
    .since("5.0.0")
    .group("server")
    .flags(Flags::READONLY.or(Flags::FAST))
    .args(&[integer("version").token("VERSION").optional()]);

/// Bounds of a picture's sides, so that no request makes a large reply.
const WIDTH_MAX: i64 = 1000;
const HEIGHT_MAX: i64 = 200;

fn lolwut(cx: &mut Cx, args: Args) -> CmdResult {
    let (version, numbers) = if args.is(1, "VERSION") && args.len() >= 3 {
        (args.integer(2)?, args.from(3))
    } else {
        (6, args.from(args.len()))
    };
    let mut text = match version {
        5 => wall(sides(numbers, [66, 8])?, cx.rng),
        6 => skyline(sides(numbers, [64, 12])?, cx.rng),
        _ => String::new(),
    };
    text.push_str(&format!("Redis ver. {REDIS_VERSION} (Cinnabar {CINNABAR_VERSION})\n"));
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// Width and height from the words after the version.
fn sides(words: Args, default: [i64; 2]) -> Result<[usize; 2], CmdError> {
    let mut sides = default;
    for (index, word) in words.iter().enumerate() {
        let number = stdx::num::parse_i64(word).ok_or(error::NOT_INTEGER)?;
        if let Some(side) = sides.get_mut(index) {
            *side = number;
        }
    }
    let [width, height] = sides;
    Ok([width.clamp(1, WIDTH_MAX) as usize, height.clamp(1, HEIGHT_MAX) as usize])
}

/// Rows of bricks, more of them missing in every row.
fn wall([width, height]: [usize; 2], rng: &mut Prng) -> String {
    const BRICK: usize = 6;
    let mut text = String::new();
    for row in 0..height {
        let shift = row % 2 * (BRICK / 2);
        let mut missing = false;
        for column in 0..width {
            let edge = (column + shift).is_multiple_of(BRICK);
            if edge {
                missing = rng.below(height as u64 * 2) < row as u64;
            }
            text.push(if edge { '|' } else { [' ', '_'][usize::from(!missing)] });
        }
        text.push('\n');
    }
    text.push('\n');
    text
}

/// Houses of random width and height with some lit windows.
fn skyline([width, height]: [usize; 2], rng: &mut Prng) -> String {
    let mut roofs = Vec::with_capacity(width);
    while roofs.len() < width {
        let house = 3 + rng.below(5) as usize;
        let roof = rng.below(height as u64) as usize;
        roofs.extend(std::iter::repeat_n(roof, house.min(width - roofs.len())));
    }
    let mut text = String::new();
    for row in 0..height {
        for roof in &roofs {
            text.push(match row.cmp(roof) {
                std::cmp::Ordering::Less => ' ',
                std::cmp::Ordering::Equal => '_',
                std::cmp::Ordering::Greater => [':', '#', '#', '#'][rng.below(4) as usize],
            });
        }
        text.push('\n');
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_the_size_asked_for() {
        let mut rng = Prng::new(7);
        for [width, height] in [[1, 1], [5, 3], [1000, 200]] {
            for picture in [wall([width, height], &mut rng), skyline([width, height], &mut rng)] {
                let lines: Vec<&str> = picture.lines().collect();
                assert_eq!(lines.len(), height + 1);
                assert!(lines[..height].iter().all(|line| line.len() == width));
            }
        }
    }
}
