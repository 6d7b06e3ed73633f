// tail_jumps.cc - dlopen and syscall, which must reach libc, or the kernel, without a frame of ours.
//
// dlopen: ld.so takes its caller for the one whose RUNPATH counts. syscall: a raw clone made
// through it returns on another stack; what maps memory goes to the hooks of that name. So both are assembly that calls
// a helper, if at all, before it goes on with every register and the stack as they came.
#include <errno.h>

#include "preload/process.h"
#include "preload/program_calls.h"
#include "preload/real.h"

extern "C" {

[[gnu::visibility("hidden"), gnu::used]] void* weir_find_dlopen() {
  static constinit weir::RealFunction<void*(const char*, int)> real{"dlopen"};
  return reinterpret_cast<void*>(real.get());
}

[[gnu::visibility("hidden"), gnu::used]] void weir_before_seccomp() {
  weir::go_passive();
}

[[gnu::visibility("hidden"), gnu::used]] void weir_before_fork() {
  weir::make_room_for_fork();
}

[[gnu::visibility("hidden"), gnu::used]] void* weir_map(void* address, size_t bytes, int protection, int flags, int fd,
                                                        off_t offset) {
  return weir::program_mmap(address, bytes, protection, flags, fd, offset);
}

[[gnu::visibility("hidden"), gnu::used]] long weir_protect(void* address, size_t bytes, int protection) {
  return weir::program_mprotect(address, bytes, protection);
}

[[gnu::visibility("hidden"), gnu::used]] void* weir_remap(void* address, size_t bytes, size_t new_bytes, int flags,
                                                          void* new_address) {
  return weir::program_mremap(address, bytes, new_bytes, flags, new_address);
}

[[gnu::visibility("hidden"), gnu::used]] long weir_unmap(void* address, size_t bytes) {
  return weir::program_munmap(address, bytes);
}

[[gnu::visibility("hidden"), gnu::used]] long weir_syscall_failed(long raw) {
  errno = static_cast<int>(-raw);
  return -1;
}
}

// RTLD_DEEPBIND (8) would give a plug-in libc's malloc beside ours, and each would free the
// other's memory: the bit is cleared.
__asm__(
    ".text\n"
    ".globl dlopen\n"
    ".type dlopen,@function\n"
    "dlopen:\n"
    "  andl $~8, %esi\n"
    "  pushq %rdi\n"
    "  pushq %rsi\n"
    "  subq $8, %rsp\n"
    "  call weir_find_dlopen\n"
    "  addq $8, %rsp\n"
    "  popq %rsi\n"
    "  popq %rdi\n"
    "  jmp *%rax\n"
    ".size dlopen, .-dlopen\n");

// 317 is SYS_seccomp, as libseccomp calls it; 57 is SYS_fork, and 56 SYS_clone, which is one unless CLONE_VM (256) is
// set; 9, 10, 11 and 25 are SYS_mmap, SYS_mprotect, SYS_munmap and SYS_mremap,
// whose failures and results are told as syscall tells them. The rest is what libc's syscall does.
__asm__(
    ".text\n"
    ".globl syscall\n"
    ".type syscall,@function\n"
    "syscall:\n"
    "  cmpq $317, %rdi\n"
    "  je 2f\n"
    "  cmpq $9, %rdi\n"
    "  je 4f\n"
    "  cmpq $10, %rdi\n"
    "  je 5f\n"
    "  cmpq $11, %rdi\n"
    "  je 6f\n"
    "  cmpq $25, %rdi\n"
    "  je 7f\n"
    "  cmpq $57, %rdi\n"
    "  je 8f\n"
    "  cmpq $56, %rdi\n"
    "  jne 1f\n"
    "  testl $256, %esi\n"
    "  jz 8f\n"
    "1:\n"
    "  movq %rdi, %rax\n"
    "  movq %rsi, %rdi\n"
    "  movq %rdx, %rsi\n"
    "  movq %rcx, %rdx\n"
    "  movq %r8, %r10\n"
    "  movq %r9, %r8\n"
    "  movq 8(%rsp), %r9\n"
    "  syscall\n"
    "  cmpq $-4095, %rax\n"
    "  jae 3f\n"
    "  ret\n"
    "2:\n"
    "  pushq %rdi\n"
    "  pushq %rsi\n"
    "  pushq %rdx\n"
    "  pushq %rcx\n"
    "  pushq %r8\n"
    "  call weir_before_seccomp\n"
    "  popq %r8\n"
    "  popq %rcx\n"
    "  popq %rdx\n"
    "  popq %rsi\n"
    "  popq %rdi\n"
    "  jmp 1b\n"
    "4:\n"
    "  movq %rsi, %rdi\n"
    "  movq %rdx, %rsi\n"
    "  movq %rcx, %rdx\n"
    "  movq %r8, %rcx\n"
    "  movq %r9, %r8\n"
    "  movq 8(%rsp), %r9\n"
    "  jmp weir_map\n"
    "5:\n"
    "  movq %rsi, %rdi\n"
    "  movq %rdx, %rsi\n"
    "  movq %rcx, %rdx\n"
    "  jmp weir_protect\n"
    "6:\n"
    "  movq %rsi, %rdi\n"
    "  movq %rdx, %rsi\n"
    "  jmp weir_unmap\n"
    "7:\n"
    "  movq %rsi, %rdi\n"
    "  movq %rdx, %rsi\n"
    "  movq %rcx, %rdx\n"
    "  movq %r8, %rcx\n"
    "  movq %r9, %r8\n"
    "  jmp weir_remap\n"
    "8:\n"
    "  pushq %rdi\n"
    "  pushq %rsi\n"
    "  pushq %rdx\n"
    "  pushq %rcx\n"
    "  pushq %r8\n"
    "  pushq %r9\n"
    "  subq $8, %rsp\n"
    "  call weir_before_fork\n"
    "  addq $8, %rsp\n"
    "  popq %r9\n"
    "  popq %r8\n"
    "  popq %rcx\n"
    "  popq %rdx\n"
    "  popq %rsi\n"
    "  popq %rdi\n"
    "  jmp 1b\n"
    "3:\n"
    "  movq %rax, %rdi\n"
    "  jmp weir_syscall_failed\n"
    ".size syscall, .-syscall\n");
