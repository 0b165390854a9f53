# Load on a port: clients in a process of their own, which must not notice what the server goes
# through. Owns that process and two pipes: a byte in one ends it, the other brings its report.
package Test::Weir::Load;

use strict;
use warnings;
use Carp qw(croak);
use Digest::MD5;
use Errno qw(EAGAIN ECONNREFUSED EINPROGRESS EINTR);
use IO::Handle;
use JSON::PP qw(decode_json encode_json);
use POSIX ();
use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);
use Test::Weir::Conn;
use Test::Weir::Util qw(limit);

# A download is read slowly through a small window, so that it lasts while much happens.
use constant {CHUNK => 32_768, WINDOW => 65_536, REASONS => 5, TOGETHER => 8, UPLOAD => 100_000};

my @kinds = qw(keepalive fresh idle download pipelined upload range);
my %defaults = (path => '/', like => qr/./, pause => 0.01, most => 600);

# --- answers ------------------------------------------------------------------------------------

sub _fail
{
    my ($self, $c, $why) = @_;
    my $reasons = $self->{report}{reasons};

    $why = "$c->{kind}: $why";
    $self->{report}{failed}++;
    push @$reasons, $why if @$reasons < REASONS && !grep { $_ eq $why } @$reasons;
}

sub _close
{
    my ($c) = @_;

    close $c->{socket} if $c->{socket};
    @$c{qw(socket waiting served said)} = (undef, 0, 0, '');
}

sub _pause
{
    my ($self, $c) = @_;

    $c->{due} = time + rand 2 * $self->{opt}{pause};
}

# What is wrong with an answer.
sub _wrong
{
    my ($self, $c) = @_;
    my $status = $c->{head}{status};

    return "status $status" if $status != ($c->{kind} eq 'range' ? 206 : 200);
    if ($c->{kind} eq 'range') {
        my $part = substr $self->{content}, $c->{from}, $c->{bytes_asked};
        return 'another part' if $c->{body} ne $part;
    } elsif ($c->{kind} eq 'download') {
        return "$c->{got} bytes" if $c->{got} != $self->{size};
        return 'another MD5' if $c->{md5}->hexdigest ne $self->{md5};
    } elsif ($c->{body} !~ $self->{opt}{like}) {
        return 'body ' . substr $c->{body}, 0, 40;
    }
    return;
}

sub _answered
{
    my ($self, $c) = @_;
    my $wrong = $self->_wrong($c);

    $wrong ? $self->_fail($c, $wrong) : $self->{report}{answered}{$c->{kind}}++;
    $c->{waiting}--;
    $c->{served}++;
    ($c->{said}) = $c->{body} =~ /^(.{0,20})/;
    _close($c) if $c->{kind} eq 'fresh' || ($c->{head}{header}{connection} // '') =~ /close/i;
    $self->_pause($c);
}

# The server ended the connection. After a race clients ask again, on another connection.
sub _lost
{
    my ($self, $c, $error) = @_;
    my $report = $self->{report};

    $report->{lost_after}{$c->{said}}++ if $c->{served};
    if (!$c->{waiting}) {
        $report->{closed_by_server}++;
    } elsif ($c->{served} && !$c->{bytes}) {
        $report->{reused_race}++;
        $c->{again} = 1;
    } else {
        my $what = $error ? "$error" : 'closed';
        $report->{cut}++ unless $error && $error == ECONNREFUSED;
        $self->_fail($c, $c->{bytes} ? "$what amid an answer" : "$what before an answer");
    }
    _close($c);
    $self->_pause($c);
}

sub _body
{
    my ($self, $c, $data) = @_;
    my $length = $c->{head}{header}{'content-length'} // -1;

    my $more = $length >= 0 && $c->{got} + length $data > $length
        ? substr $data, $length - $c->{got}, length $data, '' : '';

    $c->{got} += length $data;
    $c->{kind} eq 'download' ? $c->{md5}->add($data) : ($c->{body} .= $data);
    return if $length >= 0 && $c->{got} < $length;
    $self->_answered($c) if $length >= 0;
    return $self->_next($c, $more) if $length >= 0 && $c->{waiting} && $c->{socket};
    return if $length >= 0 && $more eq '';
    $self->_fail($c, $length < 0 ? 'no Content-Length' : 'bytes after an answer');
    _close($c);
}

# The answer behind one of several that were asked for together.
sub _next
{
    my ($self, $c, $data) = @_;

    @$c{qw(in head body got)} = ($data, undef, '', 0);
    return unless $c->{in} =~ /^(.*?\r\n)\r\n(.*)/s;
    my $rest = $2;
    $c->{head} = Test::Weir::Conn::parse_head($1) // {status => 0, header => {}};
    $self->_body($c, $rest);
}

sub _read
{
    my ($self, $c) = @_;
    my $got = sysread $c->{socket}, my $data, CHUNK;

    return if !defined $got && ($! == EAGAIN || $! == EINTR);
    return $self->_lost($c, $got // $!) unless $got;
    if (!$c->{waiting}) {
        $self->_fail($c, 'bytes without a request');
        return _close($c);
    }
    $c->{bytes} += $got;
    $c->{since} = time;
    $c->{due} = $c->{since} + $self->{opt}{pause};
    return $self->_body($c, $data) if $c->{head};
    $c->{in} .= $data;
    my ($head, $rest) = $c->{in} =~ /^(.*?\r\n)\r\n(.*)/s or return;
    $c->{head} = Test::Weir::Conn::parse_head($head) // {status => 0, header => {}};
    $self->_body($c, $rest);
}

# --- requests -----------------------------------------------------------------------------------

sub _write
{
    my ($self, $c) = @_;
    my $sent = syswrite $c->{socket}, $c->{out};

    return substr $c->{out}, 0, $sent, '' if defined $sent;
    $self->_lost($c, $!) unless $! == EAGAIN || $! == EINTR;
}

sub _connect
{
    my ($self, $c) = @_;

    socket my $socket, AF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, WINDOW if $c->{kind} eq 'download';
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    $socket->blocking(0);
    $c->{socket} = $socket;
    connect $socket, pack_sockaddr_in($self->{opt}{port}, INADDR_LOOPBACK)
        or $! == EINPROGRESS or $self->_lost($c, $!);
}

sub _request
{
    my ($self, $c) = @_;
    my $path = $c->{kind} =~ /download|range/ ? $self->{large} : $self->{opt}{path};
    my $fields = "Host: a\r\n";

    if ($c->{kind} eq 'upload') {
        return "POST $path HTTP/1.1\r\n${fields}Content-Length: ${\UPLOAD}\r\n\r\n" . 'u' x UPLOAD
            if rand 2 < 1;
        my $size = sprintf '%x', UPLOAD;
        return "POST $path HTTP/1.1\r\n${fields}Transfer-Encoding: chunked\r\n\r\n$size\r\n"
            . 'u' x UPLOAD . "\r\n0\r\n\r\n";
    }
    if ($c->{kind} eq 'range') {
        @$c{qw(from bytes_asked)} = (int rand $self->{size} - 2000, 1 + int rand 2000);
        my $last = $c->{from} + $c->{bytes_asked} - 1;
        $fields .= "Range: bytes=$c->{from}-$last\r\n";
    }
    $fields .= "Connection: close\r\n" if $c->{kind} eq 'fresh';
    return "GET $path HTTP/1.1\r\n$fields\r\n";
}

sub _ask
{
    my ($self, $c) = @_;
    my $together = $c->{kind} eq 'pipelined' ? TOGETHER : 1;

    $self->{report}{requests} += $together;
    @$c{qw(out in head body)} = ($self->_request($c) x $together, '', undef, '');
    @$c{qw(waiting again got bytes md5 since)} = ($together, 0, 0, 0, Digest::MD5->new, time);
    $self->_connect($c) unless $c->{socket};
    $self->_write($c) if $c->{socket};
}

sub _wants
{
    my ($self, $c, $now) = @_;

    return 0 if $c->{waiting} || $c->{due} > $now;
    return 1 if $c->{again};
    return $self->{stopping} ? !$c->{asked_last}++ : !$c->{asked_first}++ if $c->{kind} eq 'idle';
    return !$self->{stopping};
}

# --- the loop -----------------------------------------------------------------------------------

sub _check_end
{
    my ($self, $now) = @_;

    POSIX::_exit(1) if getppid != $self->{parent};
    return if $self->{stopping} || $now < $self->{end};
    $self->_fail({kind => 'load'}, "not told to end in $self->{opt}{most} s");
    $self->{stopping} = 1;
}

# What can be read and written. A slow reader does not look before its pause is over.
sub _select
{
    my ($self, $now) = @_;
    my ($read, $write, $wait) = ('', '', 0.2);

    vec($read, fileno $self->{told}, 1) = 1 unless $self->{stopping};
    for my $c (@{$self->{clients}}) {
        my $slow = $c->{waiting} && $c->{kind} eq 'download' && !$self->{stopping};
        my $later = $c->{due} - $now;
        $wait = $later if $later > 0 && $later < $wait && ($slow || !$c->{waiting});
        next unless $c->{socket};
        vec($read, fileno $c->{socket}, 1) = 1 unless $slow && $later > 0;
        vec($write, fileno $c->{socket}, 1) = 1 if $c->{waiting} && $c->{out} ne '';
    }
    select $read, $write, undef, $wait;
    return ($read, $write);
}

sub _turn
{
    my ($self) = @_;
    my ($read, $write) = $self->_select(time);
    my $now = time;

    $self->{stopping} = 1 if vec $read, fileno $self->{told}, 1;
    $self->_check_end($now);
    for my $c (grep { $_->{socket} } @{$self->{clients}}) {
        my $fd = fileno $c->{socket};
        $self->_write($c) if vec $write, $fd, 1;
        $self->_read($c) if $c->{socket} && vec $read, $fd, 1;
        next unless $c->{waiting} && $c->{since} + limit() < $now;
        $self->_fail($c, 'no answer in time');
        _close($c);
    }
}

# To the end, and then until every request has its answer.
sub _run
{
    my ($self) = @_;

    while (1) {
        my $now = time;
        $_->{due} = 0 for $self->{stopping} ? @{$self->{clients}} : ();
        $self->_ask($_) for grep { $self->_wants($_, $now) } @{$self->{clients}};
        last if $self->{stopping} && !grep { $_->{waiting} || $_->{again} } @{$self->{clients}};
        $self->_turn;
    }
}

sub _child
{
    my ($self, $out) = @_;
    my $opt = $self->{opt};

    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP ALRM);
    $SIG{PIPE} = 'IGNORE';
    srand;
    $self->{end} = time + limit($opt->{most});
    $self->{report} = {map({ $_ => 0 } qw(requests failed cut closed_by_server reused_race)),
        reasons => [], lost_after => {}, answered => {map { $_ => 0 } @kinds}};
    for my $kind (map { ($_) x ($opt->{$_} // 0) } @kinds) {
        push @{$self->{clients}}, {kind => $kind, due => 0, waiting => 0, served => 0, said => ''};
    }
    $self->_run;
    print $out encode_json($self->{report});
    close $out;
}

# --- the parent's side --------------------------------------------------------------------------

sub _measure
{
    my ($self, $path) = @_;

    open my $file, '<:raw', $path or croak "cannot read $path: $!";
    ($self->{large}) = $path =~ m{(/[^/]+)\z};
    $self->{size} = -s $file;
    $self->{content} = do { local $/; readline $file };
    $self->{md5} = Digest::MD5::md5_hex($self->{content});
}

# Options: port; how many keepalive, fresh (a connection a request), idle (one request at the
# beginning and one at the end), pipelined (eight requests at once), upload (of a body that is
# passed over), download (of `file`, which is served under /its name) and range (parts of it); path
# of the short answers and a regex they are like; pause (mean seconds between requests); most
# seconds.
sub start
{
    my ($class, %opt) = @_;
    my $self = bless {opt => {%defaults, %opt}, parent => $$}, $class;

    $self->_measure($opt{file} // croak 'download without file') if $opt{download} || $opt{range};
    pipe $self->{told}, $self->{tell} or croak "pipe: $!";
    pipe $self->{report_end}, my $out or croak "pipe: $!";
    $self->{pid} = fork // croak "fork: $!";
    return $self if $self->{pid};
    eval { $self->_child($out) };
    print STDERR "# load: $@" if $@;
    POSIX::_exit($@ ? 1 : 0);
}

# Ends it when all is answered: {requests, answered (by kind), failed, reasons (the first five that
# differ), cut (how many failed since the server ended the connection), closed_by_server (between
# requests and unannounced), reused_race (a request on a used connection that got no byte, asked
# again then), lost_after (what was said last on connections that the server ended)}.
sub stop
{
    my ($self) = @_;

    syswrite $self->{tell}, '.';
    my $text = do { local $/; readline $self->{report_end} };
    waitpid delete $self->{pid}, 0;
    return decode_json($text) if length($text // '');
    croak 'the load broke off';
}

sub DESTROY
{
    my ($self) = @_;
    local ($?, $!);

    return unless $self->{pid} && $self->{parent} == $$;
    kill KILL => $self->{pid};
    waitpid $self->{pid}, 0;
}

1;
