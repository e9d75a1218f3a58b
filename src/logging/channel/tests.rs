use super::*;

#[test]
fn a_pipe_arrives_in_its_file_byte_for_byte() {
    let path = std::env::temp_dir().join(format!("mainstay-channel-{}", std::process::id()));
    let mut sinks = Sinks::default();
    let sink = sinks.open_file(&path, 0, 0, 0o600).expect("open");
    let (read, write) = fd::pipe_for_reading().expect("pipe");
    let plan = Plan { sink: Some(sink), ..Plan::default() };
    let mut channel = Channel::new(ProcRef { slot: 0, incarnation: 1 }, false, read, plan);
    let data: Vec<u8> = (0..2_000_000u32).map(|n| (n % 251) as u8).collect();
    let writer = std::thread::spawn({
        let data = data.clone();
        move || std::io::Write::write_all(&mut std::fs::File::from(write), &data)
    });
    let mut scratch = vec![0; CHUNK_BYTES];
    let mut seen = 0;
    let mut tally = Tally::default();
    loop {
        let mut tools = Tools { sinks: &mut sinks, tally: &mut tally, now: crate::sys::clock::now() };
        let pumped = channel.pump(&mut tools, &mut scratch, &mut |news| match news {
            News::Output(b) => seen += b.len(),
            other => panic!("{other:?}"),
        });
        if pumped == Pumped::End {
            break;
        }
    }
    writer.join().expect("thread").expect("write");
    assert_eq!(seen, data.len());
    assert_eq!((tally.bytes, tally.lines), (seen as u64, newlines(&data)));
    assert!(std::fs::read(&path).expect("read") == data, "bytes differ");
    std::fs::remove_file(&path).expect("remove");
}

#[test]
fn nothing_is_read_while_the_sink_is_blocked() {
    let mut sinks = Sinks::default();
    let folder = std::env::temp_dir().join(format!("mainstay-fifo-{}", std::process::id()));
    nix::unistd::mkfifo(&folder, nix::sys::stat::Mode::S_IRWXU).expect("fifo");
    let reader = std::fs::OpenOptions::new().read(true).write(true).open(&folder).expect("fifo");
    let sink = sinks.open_file(&folder, 0, 0, 0o600).expect("open");
    let put = sinks.put(sink, &vec![b'x'; 200_000]);
    assert!(put.blocked);
    let (read, write) = fd::pipe_for_reading().expect("pipe");
    let plan = Plan { sink: Some(sink), whole_lines: true, ..Plan::default() };
    let mut channel = Channel::new(ProcRef { slot: 0, incarnation: 1 }, false, read, plan);
    fd::write_some(write.as_fd(), b"hello\n").expect("write");
    let mut scratch = vec![0; CHUNK_BYTES];
    let mut tally = Tally::default();
    let mut tools = Tools { sinks: &mut sinks, tally: &mut tally, now: crate::sys::clock::now() };
    let pumped = channel.pump(&mut tools, &mut scratch, &mut |_| panic!("read"));
    assert_eq!(pumped, Pumped::Blocked);
    drop(reader);
    std::fs::remove_file(&folder).expect("remove");
}
