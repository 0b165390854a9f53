# A scripted backend: a child process that answers connections step by step and tells what came.
# Owns the listening socket, the child, and the record of what the child has seen.
#
#     test process                         child
#     answers  ----------- fork ---------> queue of answers, one for each request
#     go, sync ----------- lines --------> connections: input, steps left, output
#     record   <---------- frames -------- "open N", "data N bytes", "request N ...", "closed N how"
package Test::Weir::Backend;

use strict;
use warnings;
use Carp qw(croak);
use Errno qw(EAGAIN EINTR);
use Exporter qw(import);
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(AF_UNIX IPPROTO_TCP SOCK_STREAM SOL_SOCKET SO_LINGER TCP_NODELAY);
use Test::More import => [qw(fail)];
use Time::HiRes qw(time);
use Test::Weir::Util qw(limit poll_until tcp_sockets);

our @EXPORT_OK = qw(answer parse_request);

use constant {CHUNK => 65_536, BACKLOG => 128, TIOCOUTQ => 0x5411};

my $http = qr{\A[A-Z]+ [^\n]* HTTP/1\.\d\r?\n};

# --- requests and answers -----------------------------------------------------------------------

# An answer with a length: answer(200, "body", Name => value...).
sub answer
{
    my ($status, $body, @headers) = @_;
    my $head = "HTTP/1.1 $status Scripted\r\n";

    push @headers, 'Content-Length' => length $body;
    while (my ($name, $value) = splice @headers, 0, 2) {
        $head .= "$name: $value\r\n";
    }
    return "$head\r\n$body";
}

# The length of a chunked body with its trailers at the start of the text, and its contents; nothing
# while it is not complete.
sub _chunked
{
    my ($text) = @_;
    my $body = '';

    pos($text) = 0;
    while ($text =~ /\G([0-9a-fA-F]+)[^\n]*\n/gc) {
        my $size = hex $1;
        if ($size == 0) {
            return $text =~ /\G(?:[^\r\n]+\r?\n)*\r?\n/gc ? (pos $text, $body) : ();
        }
        return if length($text) < pos($text) + $size;
        $body .= substr $text, pos $text, $size;
        pos($text) += $size;
        $text =~ /\G\r?\n/gc or return;
    }
    return;
}

# What is known of a request from its first bytes: {method, uri, version, headers, header, head},
# and when it is complete body and length, too. Nothing while the head is not complete.
sub parse_request
{
    my ($text) = @_;
    my ($head) = $text =~ /\A(.*?\r?\n\r?\n)/s or return;
    my ($first, @lines) = split /\r?\n/, $head;
    my %r = (head => $head, headers => [], header => {}, line => $first);

    @r{qw(method uri version)} = $first =~ m{^(\S+) (.*?)(?: HTTP/(\d\.\d))?$};
    for my $line (@lines) {
        my ($name, $value) = $line =~ /^([^:]*?)[ \t]*:[ \t]*(.*?)[ \t]*$/s or next;
        push @{$r{headers}}, [$name, $value];
        my $old = $r{header}{lc $name};
        $r{header}{lc $name} = defined $old ? "$old, $value" : $value;
    }
    my $rest = substr $text, length $head;
    if (($r{header}{'transfer-encoding'} // '') =~ /chunked/i) {
        my ($length, $body) = _chunked($rest) or return \%r;
        @r{qw(body length)} = ($body, length($head) + $length);
    } else {
        my $length = $r{header}{'content-length'} // 0;
        return \%r if length $rest < $length;
        @r{qw(body length)} = (substr($rest, 0, $length), length($head) + $length);
    }
    $r{raw} = substr $text, 0, $r{length};
    return \%r;
}

# --- the child ----------------------------------------------------------------------------------

sub _tell
{
    my ($self, $text) = @_;

    $self->{news} .= pack 'N/a*', $text;
}

# Writes what there is, as much as is taken: false when the peer is gone.
sub _push
{
    my ($socket, $bytes) = @_;

    while ($$bytes ne '') {
        my $sent = syswrite $socket, $$bytes;
        if (defined $sent) {
            substr $$bytes, 0, $sent, '';
        } elsif ($! != EINTR) {
            return $! == EAGAIN;
        }
    }
    return 1;
}

sub _drop
{
    my ($self, $conn, $how) = @_;

    $self->_tell("closed $conn->{number} $how") unless $conn->{told}++;
    delete $self->{conns}{$conn->{number}};
    close $conn->{socket};
}

# The length of the request at the start of the input, if it is complete and of HTTP; the test hears
# of it at once.
sub _complete
{
    my ($self, $conn) = @_;
    return unless $conn->{in} =~ $http;

    my $length = (parse_request($conn->{in}) // {})->{length} // return;
    $self->_tell("request $conn->{number} $conn->{offset} $length") unless $conn->{heard}++;
    return $length;
}

# Takes the request off the input when its answer is over; false when it is not complete.
sub _finish
{
    my ($self, $conn) = @_;
    my $length = $self->_complete($conn);

    return 0 if !defined $length && $conn->{in} =~ $http;
    if (!defined $length) {
        $length = $conn->{mark} || length $conn->{in};
        $self->_tell("request $conn->{number} $conn->{offset} $length") if $length;
    }
    substr $conn->{in}, 0, $length, '';
    $conn->{offset} += $length;
    @$conn{qw(mark heard)} = (0, 0);
    return 1;
}

# Whether the peer's program has read everything that was sent.
sub _taken
{
    my ($conn) = @_;
    my $socket = $conn->{socket};

    if ($socket->can('peerport')) {
        my ($port, $peer) = ($socket->sockport, $socket->peerport);
        return !grep { $_->{local} == $peer && $_->{remote} == $port && $_->{unread} }
            tcp_sockets();
    }
    my $left = pack 'i', 0;
    return !ioctl($socket, TIOCOUTQ, $left) || !unpack 'i', $left;
}

# Passes the bytes behind the request to a function, and does what that returns.
sub _stream
{
    my ($self, $conn, $code) = @_;

    return 0 unless $conn->{tunnel} || $self->_finish($conn);
    $conn->{tunnel} = 1;
    return 0 if $conn->{in} eq '';
    my $before = length $conn->{in};
    my @new = $code->(\$conn->{in});
    $conn->{offset} += $before - length $conn->{in};
    unshift @{$conn->{steps}}, @new;
    return 0;
}

# Each is asked, again and again, whether the next step may come; some act.
my %steps = (
    connect => sub { return 1 },
    head => sub { return $_[1]{in} =~ /\r?\n\r?\n/ },
    body => sub { return defined $_[0]->_complete($_[1]) },
    hang => sub { return 0 },
    taken => sub { return _taken($_[1]) || !($_[0]{poll} = 1) },
    deaf => sub { return $_[1]{deaf} = 1 },
    half => sub { shutdown $_[1]{socket}, 1; return 1 },
    close => sub { $_[0]->_finish($_[1]); $_[0]->_drop($_[1], 'us'); return 0 },
    go => sub {
        my ($self, $conn) = @_;
        my $count = $conn->{go} ? \$conn->{go} : \$self->{go};
        return 0 unless $$count;
        $$count--;
        $conn->{deaf} = 0;
        return 1;
    },
    reset => sub {
        setsockopt $_[1]{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        $_[0]->_finish($_[1]);
        $_[0]->_drop($_[1], 'us');
        return 0;
    },
);

# True when a step is done or what it waits for is there.
sub _met
{
    my ($self, $conn, $step) = @_;
    my $kind = ref $step;

    if ($kind eq 'Regexp') {
        return 0 unless $conn->{in} =~ $step;
        $conn->{mark} = $+[0] if $+[0] > $conn->{mark};
        return 1;
    }
    if ($kind eq 'CODE') {
        my $new = $step->(parse_request($conn->{in}) // {raw => $conn->{in}});
        splice @{$conn->{steps}}, 1, 0, ref $new eq 'ARRAY' ? @$new : $new;
        return 1;
    }
    return $self->_stream($conn, $step->{stream}) if $kind eq 'HASH';
    if ($$step =~ /^\d+$/) {
        return 0 if length $conn->{in} < $$step;
        $conn->{mark} = $$step if $$step > $conn->{mark};
        return 1;
    }
    my $code = $steps{$$step} or die "unknown step $$step\n";
    return $code->($self, $conn);
}

# Takes the next answer for a connection when a request begins; the last answer stays.
sub _begin
{
    my ($self, $conn) = @_;
    my $answers = $self->{answers};
    my $answer = $answers->[0] // [\'hang'];
    my @steps = ref $answer eq 'ARRAY' ? @$answer : $answer;
    my $kind = ref $steps[0];
    my $at_once = $kind eq 'SCALAR' && ${$steps[0]} eq 'connect' && !$conn->{begun};

    return 0 unless $at_once || $conn->{in} ne '';
    shift @$answers if @$answers > 1;
    unshift @steps, \'body' if $kind eq '' || $kind eq 'CODE';
    $conn->{begun} = 1;
    $conn->{steps} = \@steps;
    return 1;
}

sub _advance
{
    my ($self, $conn) = @_;

    while ($self->{conns}{$conn->{number}}) {
        _push($conn->{socket}, \$conn->{out}) or return $self->_drop($conn, 'reset');
        return if $conn->{out} ne '';
        if (!$conn->{steps}) {
            $self->_begin($conn) or return;
        } elsif (!@{$conn->{steps}}) {
            $self->_finish($conn) or return;
            delete $conn->{steps};
        } else {
            my $step = $conn->{steps}[0];
            my $left = @{$conn->{steps}};
            if (ref $step && !$self->_met($conn, $step)) {
                return if @{$conn->{steps}} == $left;
                next;
            }
            $conn->{out} .= $step unless ref $step;
            shift @{$conn->{steps}};
        }
    }
}

sub _accept
{
    my ($self) = @_;

    while (my $socket = $self->{listener}->accept) {
        my $conn = {socket => $socket, number => ++$self->{accepted}, in => '', out => '',
            offset => 0, mark => 0, go => 0};
        $socket->blocking(0);
        setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1 if $socket->can('peerport');
        $self->{conns}{$conn->{number}} = $conn;
        $self->_tell("open $conn->{number}");
    }
}

sub _read
{
    my ($self, $conn) = @_;

    while (1) {
        my $got = sysread $conn->{socket}, my $bytes, CHUNK;
        if ($got) {
            $conn->{in} .= $bytes;
            $self->_tell("data $conn->{number} $bytes");
        } elsif (defined $got) {
            $self->_advance($conn);
            return $self->{conns}{$conn->{number}} && $self->_drop($conn, 'eof');
        } elsif ($! != EINTR) {
            $self->_drop($conn, 'reset') if $! != EAGAIN;
            return $self->_complete($conn);
        }
    }
}

# Lines of the test; its end is ours.
sub _listen_to_test
{
    my ($self) = @_;
    my $got = sysread $self->{control}, $self->{lines}, CHUNK, length $self->{lines};

    POSIX::_exit(0) if defined $got && !$got;
    while ($self->{lines} =~ s/\A(\w+) (\d+)\n//) {
        my ($word, $number) = ($1, $2);
        if ($word eq 'sync') {
            $self->_tell("sync $number");
        } elsif (!$number) {
            $self->{go}++;
        } elsif ($self->{conns}{$number}) {
            $self->{conns}{$number}{go}++;
        }
    }
}

# One turn: the test is told of everything before an answer to it leaves.
sub _turn
{
    my ($self) = @_;
    my @conns = values %{$self->{conns}};
    my $read = IO::Select->new($self->{listener}, $self->{control},
        map { $_->{socket} } grep { !$_->{deaf} } @conns);
    my $write = IO::Select->new(map { $_->{socket} } grep { $_->{out} ne '' } @conns);

    $write->add($self->{control}) if $self->{news} ne '';
    my ($readable) = IO::Select->select($read, $write, undef, $self->{poll} ? 0.005 : undef);
    $self->{poll} = 0;
    my %readable = map { fileno $_ => 1 } @{$readable // []};
    $self->_listen_to_test if $readable{fileno $self->{control}};
    $self->_accept if $readable{fileno $self->{listener}};
    for my $conn (sort { $a->{number} <=> $b->{number} } values %{$self->{conns}}) {
        $self->_read($conn) if $readable{fileno $conn->{socket}};
        $self->_advance($conn) if $self->{conns}{$conn->{number}};
    }
    _push($self->{control}, \$self->{news}) or POSIX::_exit(0);
}

# For children: whatever the test has open would stay open there, too. The numbers stay taken, since
# perl counts the handles that it knows for each.
sub close_others
{
    my %keep = map { $_ => 1 } 1, 2, @_;

    opendir my $directory, '/proc/self/fd' or return;
    my @numbers = grep { /^\d+$/ && !$keep{$_} } readdir $directory;
    closedir $directory;
    open my $null, '+<', '/dev/null' or return;
    POSIX::dup2(fileno $null, $_) for @numbers, 1;
}

sub _child
{
    my ($self, @answers) = @_;

    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP ALRM);
    $SIG{PIPE} = 'IGNORE';
    close_others(fileno $self->{control}, fileno $self->{listener});
    @$self{qw(answers conns accepted go news lines poll)} = (\@answers, {}, 0, 0, '', '', 0);
    $self->{$_}->blocking(0) for qw(control listener);
    $self->_turn while 1;
}

# --- the test's side ----------------------------------------------------------------------------

sub _listen
{
    my ($self, $backlog) = @_;
    my $where = $self->{where};

    if ($where =~ m{^/}) {
        unlink $where;
        $self->{listener} = IO::Socket::UNIX->new(Local => $where, Listen => 1);
        # Workers run as another user when the tests run as root.
        chmod 0777, $where;
    } else {
        $self->{listener} = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $where,
            Listen => 1, ReuseAddr => 1);
    }
    croak "cannot listen on $where: " . ($@ || $!) unless $self->{listener};
    # The constructors know no queue of length 0.
    listen $self->{listener}, $backlog;
}

sub _end_child
{
    my ($self) = @_;
    my $pid = delete $self->{pid} // return;
    local $?;

    # The connections end with it.
    close delete $self->{control};
    kill KILL => $pid;
    waitpid $pid, 0;
}

# A backend on a port of 127.0.0.1 or a socket path; see script for the answers.
sub new
{
    my ($class, $where, @answers) = @_;
    my $self = bless {where => $where, owner => $$, record => {}}, $class;

    return $self->script(@answers);
}

# Begins anew with these answers: connections of before are closed, the record is empty.
sub script
{
    my ($self, @answers) = @_;

    $self->_end_child;
    delete @$self{qw(listener fillers)} if $self->{fillers};
    $self->_listen(BACKLOG) unless $self->{listener};
    $self->{record} = {requests => [], connections => [], frames => '', syncs => 0};
    socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, 0 or croak "socketpair: $!";
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        $self->{control} = $theirs;
        # Nothing here may return or die into the code of the test.
        eval { $self->_child(@answers) };
        print STDERR "# backend: $@";
        POSIX::_exit(1);
    }
    @$self{qw(pid control)} = ($pid, $ours);
    return $self;
}

# Nobody listens any more, until the next script.
sub refuse
{
    my ($self) = @_;

    $self->_end_child;
    close delete $self->{listener} if $self->{listener};
    delete $self->{fillers};
    return $self;
}

# There is a listener, but its queue is full: connecting takes for ever, until the next script.
sub overflow
{
    my ($self) = @_;

    $self->refuse;
    $self->_listen(0);
    # The queue has room for one; the others stay on their way.
    $self->{fillers} = [map { $self->{where} =~ m{^/}
        ? IO::Socket::UNIX->new(Peer => $self->{where}, Blocking => 0)
        : IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $self->{where}, Blocking => 0)
    } 1 .. 3];
    return $self;
}

sub _note
{
    my ($self, $frame) = @_;
    my $record = $self->{record};
    my ($kind, $number, $rest) = $frame =~ /\A(\w+) (\d+) ?(.*)\z/s or croak 'bad frame';

    if ($kind eq 'sync') {
        $record->{synced} = $number;
        return;
    }
    my $conn = $record->{connections}[$number - 1]
        //= {number => $number, bytes => '', closed => undef};
    $conn->{bytes} .= $rest if $kind eq 'data';
    $conn->{closed} = $rest if $kind eq 'closed';
    return unless $kind eq 'request';
    my ($start, $length) = split ' ', $rest;
    my $raw = substr $conn->{bytes}, $start, $length;
    push @{$record->{requests}}, {%{parse_request($raw) // {}}, raw => $raw,
        connection => $number};
}

# Brings the record up to date with all that the child has seen.
sub _sync
{
    my ($self) = @_;
    my ($record, $control) = @$self{qw(record control)};
    return unless $control;
    my $number = ++$record->{syncs};
    my $end = time + limit();

    syswrite $control, "sync $number\n";
    my $select = IO::Select->new($control);
    until (($record->{synced} // 0) == $number) {
        croak 'the backend does not answer' unless $select->can_read($end - time);
        sysread $control, $record->{frames}, CHUNK, length $record->{frames}
            or croak 'the backend has died';
        while (length $record->{frames} >= 4) {
            my $length = unpack 'N', $record->{frames};
            last if length $record->{frames} < 4 + $length;
            $self->_note(substr substr($record->{frames}, 0, 4 + $length, ''), 4);
        }
    }
}

# Lets the first step `go` that waits, or will, go on; with a number that of this connection.
sub go
{
    my ($self, $number) = @_;

    return syswrite $self->{control}, 'go ' . ($number // 0) . "\n";
}

# Requests that were read to their end, in order: what parse_request gives, with raw and connection.
sub requests
{
    my ($self) = @_;

    $self->_sync;
    return @{$self->{record}{requests}};
}

# Connections in the order of their coming: {number, bytes, closed}; closed is undef, or eof or
# reset when the peer did it, or us.
sub connections
{
    my ($self) = @_;

    $self->_sync;
    return @{$self->{record}{connections}};
}

# All bytes that a connection has brought so far.
sub received
{
    my ($self, $number) = @_;

    $self->_sync;
    return ($self->{record}{connections}[$number - 1] // {})->{bytes} // '';
}

# Waits until so many requests are complete; fails the test when they do not come.
sub wait_for_requests
{
    my ($self, $count, $seconds) = @_;
    my $done = poll_until($seconds, sub { $self->requests >= $count });

    fail("waited in vain for $count requests, there are " . $self->requests) unless $done;
    return $self->requests;
}

# Waits until a connection is closed: how, or fails the test.
sub wait_closed
{
    my ($self, $number, $seconds) = @_;
    my $how = poll_until($seconds, sub { (($self->connections)[$number - 1] // {})->{closed} });

    fail("waited in vain for the end of connection $number") unless $how;
    return $how;
}

sub stop
{
    my ($self) = @_;

    $self->refuse;
    unlink $self->{where} if $self->{where} =~ m{^/};
}

sub DESTROY
{
    my ($self) = @_;
    local ($@, $!);

    $self->stop if $self->{owner} == $$;
}

1;
