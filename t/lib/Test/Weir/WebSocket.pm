# WebSocket, RFC 6455: a client on its own connection, and an echo server as a backend's answer.
# Owns, per client, the connection.
package Test::Weir::WebSocket;

use strict;
use warnings;
use Carp qw(croak);
use Digest::SHA qw(sha1_base64);
use Exporter qw(import);
use Test::Weir::Conn;

our @EXPORT_OK = qw(echo);

my %opcodes = (continuation => 0, text => 1, binary => 2, close => 8, ping => 9, pong => 10);
my %names = reverse %opcodes;

# --- frames -------------------------------------------------------------------------------------

sub _accept_key
{
    my ($key) = @_;

    # The digest's text has no padding.
    return sha1_base64($key . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';
}

# Four bytes again and again over the payload; twice is nothing.
sub _mask
{
    my ($payload, $mask) = @_;

    return $payload ^ substr $mask x (1 + length($payload) / 4), 0, length $payload;
}

# A frame. Options: mask (four bytes), more (not the last of its message).
sub frame
{
    my ($name, $payload, %opt) = @_;
    my $code = $opcodes{$name} // croak "unknown frame $name";
    my $length = length $payload;
    my $bit = defined $opt{mask} ? 0x80 : 0;
    my $bytes = chr(($opt{more} ? 0 : 0x80) | $code);

    $bytes .= $length < 126 ? chr($bit | $length)
        : $length < 65_536 ? pack('Cn', $bit | 126, $length) : pack('CQ>', $bit | 127, $length);
    return $bytes . (defined $opt{mask} ? $opt{mask} . _mask($payload, $opt{mask}) : $payload);
}

# Takes the frame at the start of a buffer: {name, payload, more, masked}; nothing while it is not
# whole.
sub take_frame
{
    my ($buffer) = @_;
    return if length $$buffer < 2;
    my ($first, $second) = unpack 'CC', $$buffer;
    my ($length, $offset) = ($second & 0x7f, 2);

    if ($length >= 126) {
        my ($format, $size) = $length == 126 ? ('n', 2) : ('Q>', 8);
        return if length $$buffer < 2 + $size;
        ($length, $offset) = (unpack("x2 $format", $$buffer), 2 + $size);
    }
    my $masked = $second & 0x80 ? 1 : 0;
    my $whole = $offset + 4 * $masked + $length;
    return if length $$buffer < $whole;
    my $bytes = substr $$buffer, 0, $whole, '';
    my $payload = substr $bytes, $offset + 4 * $masked;
    $payload = _mask($payload, substr $bytes, $offset, 4) if $masked;
    return {name => $names{$first & 0x0f} // 'unknown', payload => $payload, masked => $masked,
        more => $first & 0x80 ? 0 : 1};
}

# --- the client ---------------------------------------------------------------------------------

# Connects and asks for an upgrade. Options: headers (names and values in a list), and those of
# Test::Weir::Conn->new. Whether it was granted: open; the answer: response.
sub new
{
    my ($class, $where, $path, %opt) = @_;
    my $key = 'd2VpciB0ZXN0cyBrZXk9PQ==';
    my @headers = (Host => 'localhost', Upgrade => 'websocket', Connection => 'Upgrade',
        'Sec-WebSocket-Version' => 13, 'Sec-WebSocket-Key' => $key, @{$opt{headers} // []});
    my $conn = Test::Weir::Conn->new($where, %opt);
    my $self = bless {conn => $conn, buffer => '', count => 0}, $class;
    my $bytes = "GET $path HTTP/1.1\r\n";

    while (my ($name, $value) = splice @headers, 0, 2) {
        $bytes .= "$name: $value\r\n";
    }
    $self->{conn}->write("$bytes\r\n");
    my $response = $self->{response} = $self->{conn}->read_response // {status => 0, header => {}};
    my $header = $response->{header};
    $self->{open} = $response->{status} == 101 && lc($header->{upgrade} // '') eq 'websocket'
        && ($header->{connection} // '') =~ /\bupgrade\b/i
        && ($header->{'sec-websocket-accept'} // '') eq _accept_key($key);
    return $self;
}

sub open { return $_[0]{open} }

sub response { return $_[0]{response} }

sub conn { return $_[0]{conn} }

# Sends a frame: text, binary, continuation, ping, pong or close (whose payload is a packed number
# and a reason). Option: more.
sub send
{
    my ($self, $name, $payload, %opt) = @_;

    # Another mask each time.
    my $mask = pack 'N', 0x1badf00d + 7919 * $self->{count}++;
    return $self->{conn}->write(frame($name, $payload // '', %opt, mask => $mask));
}

# The next frame as take_frame gives it, or nothing at the end or when it does not come in time.
sub receive
{
    my ($self, $seconds) = @_;

    while (1) {
        my $frame = take_frame(\$self->{buffer});
        return $frame if $frame;
        my $some = $self->{conn}->read_until(qr/\A.+/s, $seconds) // return;
        $self->{buffer} .= $some;
    }
}

# --- the server ---------------------------------------------------------------------------------

sub _handshake
{
    my ($request) = @_;
    my $key = $request->{header}{'sec-websocket-key'};

    return ["HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", \'close'] unless defined $key
        && lc($request->{header}{upgrade} // '') eq 'websocket'
        && ($request->{header}{connection} // '') =~ /\bupgrade\b/i;
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        . 'Sec-WebSocket-Accept: ' . _accept_key($key) . "\r\n\r\n";
}

sub _echo_frames
{
    my ($buffer) = @_;
    my @steps;

    while (my $frame = take_frame($buffer)) {
        my ($name, $payload) = @$frame{qw(name payload)};
        # A client that does not mask is sent away, as the standard has it.
        return (@steps, frame('close', pack('n', 1002) . 'not masked'), \'close')
            unless $frame->{masked};
        return (@steps, frame('close', $payload), \'close') if $name eq 'close';
        $name = 'pong' if $name eq 'ping';
        push @steps, frame($name, $payload, more => $frame->{more});
    }
    return @steps;
}

# An answer of a backend: grants the upgrade, sends every frame back, and closes when asked to.
# What stands in @first is sent behind the head of the answer at once.
sub echo
{
    my (@first) = @_;

    return [\'head', \&_handshake, @first, {stream => \&_echo_frames}];
}

1;
