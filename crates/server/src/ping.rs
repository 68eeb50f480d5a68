//! `cinnabar ping`: exit status 0 if a server on this machine answers PING, for health checks in
//! images that have no client.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(3);

/// Asks the server on `--port`, by default 6379.
pub fn run(args: &[String]) -> ExitCode {
    let port = match args {
        [] => Ok(6379),
        [option, port] if option == "--port" => port.parse::<u16>(),
        _ => {
            eprintln!("cinnabar ping: the only option is --port N");
            return ExitCode::FAILURE;
        }
    };
    let Ok(port) = port else {
        eprintln!("cinnabar ping: the port must be a number below 65536");
        return ExitCode::FAILURE;
    };
    match ask(port) {
        // A server that wants a password answers as well.
        Ok(reply) if reply.starts_with(b"+PONG") || reply.starts_with(b"-NOAUTH") => {
            println!("PONG");
            ExitCode::SUCCESS
        }
        Ok(reply) => {
            eprintln!("cinnabar ping: {}", String::from_utf8_lossy(&reply).trim_end());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("cinnabar ping: no server answers on port {port}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn ask(port: u16) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(b"PING\r\n")?;
    let mut reply = [0; 256];
    let len = stream.read(&mut reply)?;
    Ok(reply[..len].to_vec())
}
