//! Gives memory back that only the past needed: pages of code and constants, and freed heap.
//!
//! The kernel maps files in large pieces around every fault, so a process that has done something once holds
//! most of its binary for ever. Forgetting those pages costs nothing: what is used again comes back from the page cache with one minor fault.
//! madvise(2), elf(5).

use nix::libc;

/// Forgets the pages of our binary that are never written, and returns freed heap to the kernel.
pub fn forget_the_past() {
    forget_code();
    // SAFETY: only returns what nobody holds.
    unsafe { libc::malloc_trim(0) };
}

/// Drops every read-only loadable segment of our own binary.
fn forget_code() {
    // SAFETY: getauxval only reads.
    let (headers, count) = unsafe { (libc::getauxval(libc::AT_PHDR), libc::getauxval(libc::AT_PHNUM)) };
    if headers == 0 {
        return;
    }
    // SAFETY: the kernel gives address and number of the program headers, which stay mapped as long as we live.
    let headers = unsafe { std::slice::from_raw_parts(headers as *const libc::Elf64_Phdr, count as usize) };
    let here = headers.as_ptr() as u64;
    let bias = headers.iter().find(|h| h.p_type == libc::PT_PHDR).map_or(0, |h| here.wrapping_sub(h.p_vaddr));
    for header in headers.iter().filter(|h| h.p_type == libc::PT_LOAD && h.p_flags & libc::PF_W == 0) {
        // Whole pages inside the segment: one that is shared with a writable neighbour stays.
        let page = 4096u64;
        let from = bias.wrapping_add(header.p_vaddr).next_multiple_of(page);
        let to = bias.wrapping_add(header.p_vaddr).wrapping_add(header.p_memsz) / page * page;
        if to > from {
            // SAFETY: a private mapping of a file that is never written comes back unchanged when it is touched,
            // this very code included.
            unsafe { libc::madvise(from as *mut libc::c_void, (to - from) as usize, libc::MADV_DONTNEED) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_constants_are_there_again_when_they_are_needed() {
        let text = String::from("still here");
        forget_the_past();
        assert_eq!(text, ["still", "here"].join(" "));
    }
}
