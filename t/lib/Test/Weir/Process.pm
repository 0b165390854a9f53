# Child processes of a test: each in a process group of its own, so that all it starts can be found.
# Owns nothing: the caller keeps the pid and reaps it.
package Test::Weir::Process;

use strict;
use warnings;
use Carp qw(croak);
use Exporter qw(import);
use POSIX qw(:sys_wait_h setpgid);
use Test::Weir::Util qw(poll_until);

our @EXPORT_OK = qw(reap spawn);

sub _become
{
    my ($opt, @command) = @_;
    my $env = $opt->{env} // {};

    setpgid(0, 0);
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE ALRM);
    open STDIN, '<', $opt->{stdin} // '/dev/null' or die "stdin: $!\n";
    open STDOUT, '>>', $opt->{out} or die "stdout: $!\n";
    open STDERR, '>>', $opt->{err} or die "stderr: $!\n";
    chdir($opt->{cwd} // '/') or die "chdir: $!\n";
    for my $name (keys %$env) {
        defined $env->{$name} ? $ENV{$name} = $env->{$name} : delete $ENV{$name};
    }
    $opt->{before_exec}->() if $opt->{before_exec};
    exec { $command[0] } @command or die "exec $command[0]: $!\n";
}

# Starts a command: its pid, which is that of its group too. Options: out and err (files to append
# to), stdin, cwd, env (hash; undef removes a variable), wrap (words put before the command),
# before_exec (code that runs in the child).
sub spawn
{
    my ($opt, @command) = @_;

    unshift @command, @{$opt->{wrap} // []};
    my $pid = fork // croak "fork: $!";
    if ($pid) {
        # Both sides do it, since either may come first.
        setpgid($pid, $pid);
        return $pid;
    }
    # Nothing here may return or die into the code of the parent.
    eval { _become($opt, @command) };
    print STDERR $@;
    POSIX::_exit(127);
}

# Waits for a child to end: its status as a shell gives it (128 + N after signal N), or undef when
# it goes on running.
sub reap
{
    my ($pid, $seconds) = @_;

    poll_until($seconds, sub { waitpid($pid, WNOHANG) == $pid }) or return;
    return WIFEXITED($?) ? WEXITSTATUS($?) : 128 + WTERMSIG($?);
}

1;
