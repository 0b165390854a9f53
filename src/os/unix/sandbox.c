/*
 * A seccomp deny list: executing, tracing, mounting, changing who one is.  Owns nothing.
 * A new user namespace would give all of that back, so clone() may not make namespaces; clone3(),
 * whose flags a filter cannot see, is said to be missing, and the C library takes the other.
 */
#include "os/unix/sandbox.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

static const int denied[] = {
    SYS_execve,        SYS_execveat,       SYS_ptrace,          SYS_process_vm_readv,
    SYS_process_vm_writev, SYS_mount,      SYS_umount2,         SYS_pivot_root,
    SYS_chroot,        SYS_bpf,            SYS_perf_event_open, SYS_kexec_load,
    SYS_init_module,   SYS_finit_module,   SYS_delete_module,   SYS_setuid,
    SYS_setgid,        SYS_setreuid,       SYS_setregid,        SYS_setresuid,
    SYS_setresgid,     SYS_setgroups,      SYS_setfsuid,        SYS_setfsgid,
    SYS_capset,        SYS_keyctl,         SYS_add_key,         SYS_request_key,
    SYS_userfaultfd,   SYS_unshare,        SYS_setns,           SYS_reboot,
    SYS_swapon,        SYS_swapoff,        SYS_sethostname,     SYS_setdomainname,
    SYS_settimeofday,  SYS_clock_settime,  SYS_adjtimex,        SYS_acct,
    SYS_quotactl,      SYS_open_by_handle_at, SYS_personality,   SYS_open_tree,
    SYS_move_mount,    SYS_fsopen,         SYS_fsconfig,        SYS_fsmount,
    SYS_fspick,        SYS_pidfd_getfd,    SYS_kexec_file_load, SYS_clock_adjtime,
    SYS_io_uring_setup,
};

enum {
    DENIED = sizeof(denied) / sizeof(denied[0]),
    HEAD = 12,
    NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                 CLONE_NEWPID | CLONE_NEWNET,
};

bool sandbox_enter(void)
{
#ifdef ARCHITECTURE
    struct sock_filter code[HEAD + DENIED + 2];
    unsigned n = 0;
    const uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
    const uint32_t nr = offsetof(struct seccomp_data, nr);
    const uint32_t flags = offsetof(struct seccomp_data, args[0]);      /* little-endian */
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                             offsetof(struct seccomp_data, arch));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, refuse);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, nr);
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, refuse);       /* the x32 interface */
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, flags);
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACES, DENIED + 2, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, nr);
    for (unsigned i = 0; i < DENIED; i++)
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)denied[i],
                                                 (uint8_t)(DENIED - i), 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, refuse);
    const struct sock_fprog program = { (unsigned short)n, code };
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                   SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
#else
    errno = ENOSYS;
    return false;
#endif
}
