# A client connection for dialogues in tests, and the parser of HTTP/1 responses.
# Owns one non-blocking socket and the bytes read from it that nobody has taken yet.
package Test::Weir::Conn;

use strict;
use warnings;
use Carp qw(croak);
use Errno qw(EAGAIN EINTR);
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use Socket qw(IPPROTO_TCP SOL_SOCKET SO_LINGER TCP_NODELAY);
use Time::HiRes qw(time);
use Test::Weir::Util qw(limit poll_until tcp_sockets);

use constant CHUNK => 65_536;

# $where: a port of 127.0.0.1, "host:port", "[::1]:port", or the path of a unix socket.
# Options: timeout (seconds for each step, scaled), local (source address).
sub new
{
    my ($class, $where, %opt) = @_;
    my $socket;

    if ($where =~ m{^(?:unix:)?(/.*)}) {
        $socket = IO::Socket::UNIX->new(Peer => $1);
    } else {
        my ($host, $port) = $where =~ /^(?:\[?(.*?)\]?:)?(\d+)$/ or croak "bad address $where";
        my @local = defined $opt{local} ? (LocalHost => $opt{local}) : ();
        $socket = IO::Socket::IP->new(
            PeerHost => $host // '127.0.0.1', PeerPort => $port,
            Timeout => limit($opt{timeout}), @local,
        );
        setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1 if $socket;
    }
    croak "cannot connect to $where: " . ($! || $@) unless $socket;
    return $class->from_handle($socket, %opt);
}

# A connection over any stream handle that is already connected.
sub from_handle
{
    my ($class, $socket, %opt) = @_;

    $socket->blocking(0);
    my $self = {socket => $socket, buffer => '', state => 'open', timeout => $opt{timeout}};
    return bless $self, $class;
}

sub socket { return $_[0]{socket} }

# open, eof (the peer closed), reset (it closed hard), closed (we did).
sub state { return $_[0]{state} }

sub _wait
{
    my ($self, $end, $for_write) = @_;
    my $set = IO::Select->new($self->{socket});

    while ((my $left = $end - time) > 0) {
        return 1 if $for_write ? $set->can_write($left) : $set->can_read($left);
    }
    return 0;
}

# Writes all bytes; false when the peer is gone or takes nothing for too long.
sub write
{
    my ($self, $bytes) = @_;
    my $end = time + limit($self->{timeout});
    my $done = 0;

    while ($done < length $bytes) {
        my $sent = syswrite $self->{socket}, $bytes, length($bytes) - $done, $done;
        if (defined $sent) {
            $done += $sent;
        } elsif ($! == EAGAIN) {
            return 0 unless $self->_wait($end, 1);
        } elsif ($! != EINTR) {
            return 0;
        }
    }
    return 1;
}

# Reads once, waiting for bytes up to $end: 1 when some came, 0 at the end or when time is over.
sub _fill
{
    my ($self, $end) = @_;

    while ($self->{state} eq 'open') {
        my $got = sysread $self->{socket}, $self->{buffer}, CHUNK, length $self->{buffer};
        if (defined $got) {
            return 1 if $got;
            $self->{state} = 'eof';
        } elsif ($! == EAGAIN) {
            return 0 unless $self->_wait($end);
        } elsif ($! != EINTR) {
            $self->{state} = 'reset';
        }
    }
    return 0;
}

sub _take
{
    my ($self, $length) = @_;

    return substr $self->{buffer}, 0, $length, '';
}

# Takes everything up to the end of the first match; undef when it does not come.
sub read_until
{
    my ($self, $pattern, $seconds) = @_;
    my $end = time + limit($seconds // $self->{timeout});

    while (1) {
        return $self->_take($+[0]) if $self->{buffer} =~ $pattern;
        return unless $self->_fill($end);
    }
}

# Takes $count bytes, or what there is when the peer closes or the time is over.
sub read_bytes
{
    my ($self, $count, $seconds) = @_;
    my $end = time + limit($seconds // $self->{timeout});

    while (length $self->{buffer} < $count) {
        last unless $self->_fill($end);
    }
    return $self->_take($count);
}

# Takes everything up to the end of the connection, or what came before the time is over: ask
# state() which of both it was.
sub read_all
{
    my ($self, $seconds) = @_;
    my $end = time + limit($seconds // $self->{timeout});

    1 while $self->_fill($end);
    return $self->_take(length $self->{buffer});
}

# True when the peer closes in time without sending anything more.
sub eof
{
    my ($self, $seconds) = @_;

    return 0 if length $self->{buffer};
    return 0 if $self->_fill(time + limit($seconds // $self->{timeout}));
    return $self->{state} ne 'open';
}

# True when the connection is open and silent now.
sub quiet
{
    my ($self, $seconds) = @_;

    return !length $self->{buffer} && !$self->_fill(time + ($seconds // 0.1))
        && $self->{state} eq 'open';
}

# Waits until the program at the other end has read what was written, so that the next write is
# a read of its own there. True when it has; without a TCP peer on this host a moment must do.
sub drained
{
    my ($self, $seconds) = @_;
    my $socket = $self->{socket};

    unless ($socket->can('peerport')) {
        select undef, undef, undef, 0.02;
        return 1;
    }
    my ($port, $peer) = ($socket->sockport, $socket->peerport);
    return poll_until($seconds // 1, sub {
        !grep { $_->{local} == $peer && $_->{remote} == $port && $_->{unread} } tcp_sockets();
    });
}

sub shutdown_write { return shutdown $_[0]{socket}, 1 }

sub close
{
    my ($self) = @_;

    $self->{state} = 'closed';
    return CORE::close $self->{socket};
}

# Closes with a TCP reset.
sub reset
{
    my ($self) = @_;

    setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    return $self->close;
}

# A response head as {version, status, reason, headers => [[name, value], ...], header => {...}};
# the hash has lower-case names, and several values joined by ", ". undef when it is no head.
sub parse_head
{
    my ($head) = @_;
    my ($first, @lines) = split /\r\n/, $head;
    my ($version, $status, $reason) = ($first // '') =~ m{^HTTP/(\d\.\d) (\d{3})(?: (.*))?$}
        or return;
    my $r = {version => $version, status => $status, reason => $reason // '',
        headers => [], header => {}};

    for my $line (@lines) {
        my ($name, $value) = $line =~ /^([^\s:]+):[ \t]*(.*?)[ \t]*$/s or return;
        push @{$r->{headers}}, [$name, $value];
        my $old = $r->{header}{lc $name};
        $r->{header}{lc $name} = defined $old ? "$old, $value" : $value;
    }
    return $r;
}

# Reads the rest of a chunked body; the reason when it is none.
sub _read_chunks
{
    my ($self, $r) = @_;

    while (1) {
        my $line = $self->read_until(qr/\r\n/) // return 'chunked body ends too early';
        $r->{raw} .= $line;
        $line =~ /^([0-9a-fA-F]+)(?:[ \t]*;[^\r]*)?\r\n\z/ or return 'bad chunk size';
        my $size = hex $1;
        last if $size == 0;
        my $data = $self->read_bytes($size + 2);
        $r->{raw} .= $data;
        $r->{body} .= substr $data, 0, $size;
        return 'chunked body ends too early' if length $data < $size + 2;
        return 'no line end after a chunk' unless substr($data, $size) eq "\r\n";
    }
    while (1) {
        my $line = $self->read_until(qr/\r\n/) // return 'trailers end too early';
        $r->{raw} .= $line;
        return if $line eq "\r\n";
        $line =~ /^([^\s:]+):[ \t]*(.*?)[ \t]*\r\n\z/ or return 'bad trailer';
        push @{$r->{trailers}}, [$1, $2];
    }
}

sub _read_body
{
    my ($self, $r, $method) = @_;
    my $coding = $r->{header}{'transfer-encoding'};
    my $length = $r->{header}{'content-length'};

    return if $method eq 'HEAD' || $r->{status} =~ /^(?:1..|204|304)$/;
    return 'both Transfer-Encoding and Content-Length' if defined $coding && defined $length;
    if (defined $coding) {
        return "unknown transfer coding $coding" unless lc $coding eq 'chunked';
        return $self->_read_chunks($r);
    }
    if (defined $length) {
        return "bad Content-Length $length" unless $length =~ /^\d+$/;
        $r->{body} = $self->read_bytes($length);
        $r->{raw} .= $r->{body};
        my $got = length $r->{body};
        return $got == $length ? undef : "only $got of $length bytes";
    }
    $r->{body} = $self->read_all;
    $r->{raw} .= $r->{body};
    return $self->{state} eq 'eof' ? undef : 'body without length was not ended by closing';
}

# Reads one response: parse_head's fields and body, trailers, raw, early (1xx responses before it)
# and error (why the bytes are no complete response, or undef). Nothing when no byte came.
# Option: method of the request, since an answer to HEAD has no body.
sub read_response
{
    my ($self, %opt) = @_;
    my @early;

    while (1) {
        my $head = $self->read_until(qr/\r\n\r\n/);
        my $r = defined $head ? parse_head($head) : undef;
        if (!$r) {
            my $raw = defined $head ? $head . $self->read_all : $self->read_all(0);
            return unless length $raw;
            return {status => 0, version => '', reason => '', headers => [], header => {},
                body => $raw, raw => $raw, trailers => [], early => \@early,
                error => 'no HTTP response head'};
        }
        @$r{qw(raw body trailers early)} = ($head, '', [], \@early);
        if ($r->{status} =~ /^1/ && $r->{status} != 101) {
            push @early, $r;
            next;
        }
        $r->{error} = $self->_read_body($r, $opt{method} // 'GET');
        return $r;
    }
}

1;
