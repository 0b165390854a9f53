# Leases of loopback ports: a port belongs to one test as long as the lease object lives.
# Owns the lock on a file per port, below a directory that all test files of a user share.
package Test::Weir::Port;

use strict;
use warnings;
use Carp qw(croak);
use Fcntl qw(:flock O_CREAT O_RDWR);
use File::Spec;
use Socket;
use Test::Weir::Util qw(slurp);

use constant TRIES => 500;

# Ports that the kernel gives to outgoing connections are left out: a client could sit on ours.
sub _range
{
    my ($low, $high) = (slurp('/proc/sys/net/ipv4/ip_local_port_range') // '32768 60999')
        =~ /(\d+)\s+(\d+)/;

    return $low > 20_000 ? (10_240, $low - 1) : ($high + 1, 65_535);
}

# One directory per user: in a world-writable one the kernel refuses to open others' files.
sub _lock_directory
{
    my $path = File::Spec->tmpdir . "/weir-test-ports-$>";

    mkdir $path, 0700;
    my @stat = lstat $path or croak "cannot make $path: $!";
    croak "$path is not a directory of ours" unless -d _ && $stat[4] == $>;
    return $path;
}

sub _bindable
{
    my ($port) = @_;

    for my $type (SOCK_STREAM, SOCK_DGRAM) {
        socket my $socket, AF_INET, $type, 0 or return 0;
        # Connections of an earlier test in TIME_WAIT do not matter, a listener does.
        setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1 if $type == SOCK_STREAM;
        bind $socket, pack_sockaddr_in($port, INADDR_ANY) or return 0;
    }
    return 1;
}

sub lease
{
    my ($class) = @_;
    my ($low, $high) = _range();
    my $directory = _lock_directory();

    croak 'no ports below or above the range of outgoing connections' if $low > $high;
    for (1 .. TRIES) {
        my $port = $low + int rand($high - $low + 1);
        sysopen my $lock, "$directory/$port", O_CREAT | O_RDWR, 0600 or next;
        next unless flock $lock, LOCK_EX | LOCK_NB;
        return bless {port => $port, lock => $lock}, $class if _bindable($port);
    }
    croak 'no free port found in ' . TRIES . ' tries';
}

sub number { return $_[0]{port} }

1;
