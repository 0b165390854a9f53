# A DNS server for tests, over UDP and TCP on one port: a table of names that the test changes.
# Owns both sockets, the child process that answers, and the record of the queries.
package Test::Weir::Dns;

use strict;
use warnings;
use Carp qw(croak);
use IO::Select;
use IO::Socket::IP;
use POSIX ();
use Socket qw(AF_INET6 AF_UNIX SOCK_STREAM inet_aton inet_pton);
use Test::More import => [qw(fail)];
use Time::HiRes qw(time);
use Test::Weir::Backend;
use Test::Weir::Util qw(limit poll_until);

my %types = (A => 1, NS => 2, CNAME => 5, SOA => 6, PTR => 12, AAAA => 28, SRV => 33, HTTPS => 65);
my %names = reverse %types;

# --- messages -----------------------------------------------------------------------------------

sub _name
{
    my ($name) = @_;

    return join('', map { pack 'C/a*', $_ } split /\./, $name) . "\0";
}

# The data of a record: an address, a name, or "priority weight port name".
sub _data
{
    my ($type, $value) = @_;

    return inet_aton($value) if $type eq 'A';
    return inet_pton(AF_INET6, $value) if $type eq 'AAAA';
    return _name($value) unless $type eq 'SRV';
    my ($priority, $weight, $port, $target) = split ' ', $value;
    return pack('nnn', $priority, $weight, $port) . _name($target);
}

# The question of a query: {id, name, type, question} or nothing.
sub _query
{
    my ($bytes) = @_;
    return if length $bytes < 12;
    my ($id, undef, $count) = unpack 'nnn', $bytes;
    my ($offset, @labels) = 12;

    return unless $count == 1;
    while (my $length = unpack 'C', substr $bytes, $offset, 1) {
        return if $length > 63 || $offset + $length + 1 >= length $bytes;
        push @labels, substr $bytes, $offset + 1, $length;
        $offset += $length + 1;
    }
    return if $offset + 5 > length $bytes;
    my $type = unpack 'n', substr $bytes, $offset + 1;
    return {id => $id, name => lc join('.', @labels), type => $names{$type} // $type,
        question => substr $bytes, 12, $offset + 5 - 12};
}

# The records for a question, a chain of CNAMEs first: (rcode, [name, type, value, ttl]...).
sub _look_up
{
    my ($table, $name, $type) = @_;
    my @found;

    for (1 .. 10) {
        my $records = $table->{$name} // return (@found ? 0 : 3, @found);
        my @same = grep { $_->[0] eq $type } @$records;
        push @found, map { [$name, @$_] } @same;
        return (0, @found) if @same;
        my ($alias) = grep { $_->[0] eq 'CNAME' } @$records or return (0, @found);
        push @found, [$name, @$alias];
        $name = lc $alias->[1];
    }
    return (0, @found);
}

# The answer to a query. Faults: rcode, tc, id and name (another one).
sub _answer
{
    my ($table, $query, %fault) = @_;
    my ($rcode, @records) = _look_up($table, @$query{qw(name type)});

    ($rcode, @records) = ($fault{rcode}) if defined $fault{rcode};
    @records = () if $fault{tc};
    my $flags = 0x8180 | ($fault{tc} ? 0x0200 : 0) | $rcode;
    my $id = $fault{id} ? $query->{id} ^ 0x5555 : $query->{id};
    my $question = $query->{question};
    $question = _name($fault{name}) . substr $question, -4 if defined $fault{name};
    my $answer = pack('n6', $id, $flags, 1, scalar @records, 0, 0) . $question;
    for my $record (@records) {
        my ($name, $type, $value, $ttl) = @$record;
        $answer .= _name($name) . pack 'nnNn/a*', $types{$type}, 1, $ttl // 60,
            _data($type, $value);
    }
    return $answer;
}

# --- the child ----------------------------------------------------------------------------------

# The fault for a query: the first rule for its name and protocol that has a count left.
sub _fault
{
    my ($self, $query, $protocol) = @_;

    for my $rule (@{$self->{faults}}) {
        next if defined $rule->{for} && $rule->{for} ne $query->{name};
        next if ($rule->{over} // 'udp') ne $protocol;
        next if defined $rule->{first} && $rule->{first}-- <= 0;
        return $rule;
    }
    return {};
}

# The bytes for a query, or nothing when there is to be silence.
sub _respond
{
    my ($self, $bytes, $protocol) = @_;
    my $query = _query($bytes) or return;
    my $fault = $self->_fault($query, $protocol);

    print {$self->{control}} "query $protocol $query->{type} $query->{name}\n";
    return if $fault->{drop};
    return ($fault->{garbage}, $fault) if defined $fault->{garbage};
    return (_answer($self->{table}, $query, %$fault), $fault);
}

sub _udp
{
    my ($self) = @_;
    my $peer = recv $self->{udp}, my $bytes, 65_535, 0;
    return unless defined $peer;
    my ($answer, $fault) = $self->_respond($bytes, 'udp') or return;
    my $from = $fault->{port} ? IO::Socket::IP->new(Proto => 'udp', LocalHost => '127.0.0.1')
        : $self->{udp};

    send $from, $answer, 0, $peer;
}

sub _tcp
{
    my ($self, $socket) = @_;
    my $buffer = \$self->{tcp_buffers}{fileno $socket};

    if (!sysread $socket, $$buffer, 65_536, length($$buffer //= '')) {
        $self->{select}->remove($socket);
        $$buffer = '';
        close $socket;
        return;
    }
    while (length $$buffer >= 2 && length $$buffer >= 2 + unpack 'n', $$buffer) {
        my $bytes = substr substr($$buffer, 0, 2 + unpack('n', $$buffer), ''), 2;
        my ($answer) = $self->_respond($bytes, 'tcp') or next;
        syswrite $socket, pack 'n/a*', $answer;
    }
}

# A line of the test: a new table or new faults as Perl text, or a sync.
sub _command
{
    my ($self) = @_;
    my $got = sysread $self->{control}, $self->{lines}, 65_536, length $self->{lines};

    POSIX::_exit(0) unless $got;
    while ($self->{lines} =~ s/\A(\w+) (.*)\n//) {
        my ($word, $text) = ($1, $2);
        if ($word eq 'sync') {
            print {$self->{control}} "sync $text\n";
        } else {
            $self->{$word} = eval pack 'H*', $text or die "bad $word: $@";
        }
    }
}

sub _child
{
    my ($self) = @_;

    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP ALRM);
    $SIG{PIPE} = 'IGNORE';
    Test::Weir::Backend::close_others(map { fileno $self->{$_} } qw(control udp tcp));
    $self->{control}->autoflush(1);
    @$self{qw(lines table faults)} = ('', {}, []);
    my $select = $self->{select} = IO::Select->new(@$self{qw(control udp tcp)});
    while (my @ready = $select->can_read) {
        for my $socket (@ready) {
            if ($socket == $self->{control}) {
                $self->_command;
            } elsif ($socket == $self->{udp}) {
                $self->_udp;
            } elsif ($socket == $self->{tcp}) {
                my $new = $socket->accept;
                $select->add($new) if $new;
            } else {
                $self->_tcp($socket);
            }
        }
    }
}

# --- the test's side ----------------------------------------------------------------------------

# A server on a port of 127.0.0.1, with an empty table: every name is unknown.
sub new
{
    my ($class, $port) = @_;
    my %where = (LocalHost => '127.0.0.1', LocalPort => $port);
    my $self = bless {owner => $$, table => {}, lines => '', queries => [], syncs => 0}, $class;

    $self->{udp} = IO::Socket::IP->new(%where, Proto => 'udp') or croak "UDP port $port: $@";
    $self->{tcp} = IO::Socket::IP->new(%where, Listen => 16, ReuseAddr => 1)
        or croak "TCP port $port: $@";
    socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, 0 or croak "socketpair: $!";
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        $self->{control} = $theirs;
        # Nothing here may return or die into the code of the test.
        eval { $self->_child };
        print STDERR "# dns: $@";
        POSIX::_exit(1);
    }
    @$self{qw(pid control)} = ($pid, $ours);
    return $self;
}

sub _sync
{
    my ($self) = @_;
    my $number = ++$self->{syncs};
    my $end = time + limit();
    my $select = IO::Select->new($self->{control});

    syswrite $self->{control}, "sync $number\n";
    while (1) {
        while ($self->{lines} =~ s/\A(\w+) (.*)\n//) {
            return if $1 eq 'sync' && $2 == $number;
            push @{$self->{queries}}, $2 if $1 eq 'query';
        }
        croak 'the name server does not answer' unless $select->can_read($end - time);
        sysread $self->{control}, $self->{lines}, 65_536, length $self->{lines}
            or croak 'the name server has died';
    }
}

# Passes Perl data on.
sub _pass
{
    my ($self, $word, $data) = @_;
    require Data::Dumper;
    my $text = Data::Dumper->new([$data])->Terse(1)->Indent(0)->Dump;

    syswrite $self->{control}, "$word " . unpack('H*', $text) . "\n";
    $self->_sync;
    return $self;
}

# The records of a name from now on, each [type => value, ttl] with a ttl of 60 where none is given;
# without records the name exists and has none.
sub set
{
    my ($self, $name, @records) = @_;

    $self->{table}{lc $name} = \@records;
    return $self->_pass(table => $self->{table});
}

# The name is not known any more.
sub forget
{
    my ($self, $name) = @_;

    delete $self->{table}{lc $name};
    return $self->_pass(table => $self->{table});
}

# What goes wrong from now on; nothing without arguments. Each is a hash: what (drop => 1,
# rcode => N, tc => 1, id => 1, name => another, port => 1, garbage => bytes), and when (first => N,
# for => name, over => udp or tcp). The first that fits counts.
sub faults
{
    my ($self, @faults) = @_;

    return $self->_pass(faults => \@faults);
}

# All queries so far, as "udp A a.test".
sub queries
{
    my ($self) = @_;

    $self->_sync;
    return @{$self->{queries}};
}

# Waits until so many queries have come; fails the test when they do not.
sub wait_for_queries
{
    my ($self, $count, $seconds) = @_;

    fail("waited in vain for $count queries, there are " . $self->queries)
        unless poll_until($seconds, sub { $self->queries >= $count });
    return $self->queries;
}

sub stop
{
    my ($self) = @_;
    my $pid = delete $self->{pid} // return;
    local $?;

    close delete $self->{$_} for qw(control udp tcp);
    kill KILL => $pid;
    waitpid $pid, 0;
}

sub DESTROY
{
    my ($self) = @_;
    local ($@, $!);

    $self->stop if $self->{owner} == $$;
}

1;
