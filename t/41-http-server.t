# Which server answers: listen, server_name, default_server, the host of a request; and what of it
# is refused or warned about.
use FindBin;
use IO::Socket::IP;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Conn;

# One request over a connection to whatever Conn knows; the body.
sub body_from
{
    my ($to, $host) = @_;
    my $conn = Test::Weir::Conn->new($to);

    $conn->write("GET / HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n");
    my $answer = $conn->read_response(method => 'GET');
    return $answer ? $answer->{body} : '(no answer)';
}

# Addresses, ports and a socket file in one configuration: which server answers on which.
{
    my $t = Test::Weir->new(name => 'addresses');
    $t->write_conf(<<'CONF');
events { }
http {
    server {
        listen %%PORT%%;
        listen 127.0.0.1:%%PORT1%%;
        server_name a.example;
        return 200 "a $server_name";
    }
    server {
        listen *:%%PORT%%;
        listen 127.0.0.2:%%PORT%%;
        server_name b.example;
        return 200 "b $server_name";
    }
    server {
        listen 127.0.0.2:%%PORT%% default_server;
        listen unix:%%DIR%%/front.sock;
        server_name c.example;
        return 200 "c $server_addr";
    }
    server {
        listen unix:%%DIR%%/front.sock;
        server_name d.example;
        return 200 "d $remote_addr $server_port";
    }
}
CONF
    $t->start;
    my ($any, $own) = ($t->port(0), $t->port(1));
    my $socket = $t->dir . '/front.sock';
    my @cases = (
        # where to, host, body, what it shows
        [$any, 'a.example', 'a a.example', 'a port alone is every address'],
        [$any, 'b.example', 'b b.example', '*:port is the same socket as port'],
        [$any, 'c.example', 'a a.example', 'a name that is on another address only'],
        [$own, 'b.example', 'a a.example', 'another port has only its own servers'],
        ["127.0.0.2:$any", 'b.example', 'b b.example', 'an address beside the wildcard'],
        ["127.0.0.2:$any", 'a.example', 'c 127.0.0.2', 'it hides the servers of the wildcard'],
        ["127.0.0.2:$any", 'x.example', 'c 127.0.0.2', 'it has a default server of its own'],
        ["127.0.0.3:$any", 'b.example', 'b b.example', 'any other address is the wildcard'],
        [$socket, 'd.example', 'd unix: ', 'a socket file, by name'],
        [$socket, 'x.example', "c unix:$socket", 'a socket file, its default'],
    );
    is(body_from($_->[0], $_->[1]), $_->[2], $_->[3]) for @cases;
    $t->stop;
}

# IPv6, where the machine has it.
SKIP: {
    skip 'no IPv6 on the loopback interface', 5
        unless IO::Socket::IP->new(LocalHost => '::1', LocalPort => 0, Listen => 1);
    my $t = Test::Weir->new(name => 'IPv6');
    $t->write_conf(<<'CONF');
events { }
http {
    server {
        listen [::]:%%PORT%%;
        listen 127.0.0.1:%%PORT%%;
        return 200 "any $remote_addr $server_addr";
    }
    server {
        listen [0:0:0:0:0:0:0:1]:%%PORT%%;
        listen [::]:%%PORT1%% ipv6only=off;
        return 200 "own $remote_addr $server_addr";
    }
}
CONF
    $t->start;
    my @cases = (
        ['::1', 0, 'own ::1 ::1', 'an IPv6 address, however it is written'],
        ['127.0.0.1', 0, 'any 127.0.0.1 127.0.0.1', 'a wildcard of IPv6 is not one of IPv4'],
        ['::1', 1, 'own ::1 ::1', 'ipv6only=off, over IPv6'],
        ['127.0.0.1', 1, 'own ::ffff:127.0.0.1 ::ffff:127.0.0.1', 'ipv6only=off, over IPv4'],
    );
    for my $case (@cases) {
        my ($address, $number, $body, $name) = @$case;
        my $socket = IO::Socket::IP->new(PeerHost => $address, PeerPort => $t->port($number))
            or die "$address: $@";
        print $socket "GET / HTTP/1.0\r\n\r\n";
        my ($got) = join('', <$socket>) =~ /\r\n\r\n(.*)\z/s;
        is($got, $body, $name);
    }
    $t->stop;
}

run_tests();

__DATA__

=== exact names, and any letter case in the host
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    return 200 "default [$server_name]";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name www.example.com ALIAS.Example.com;
    return 200 "exact $server_name $host";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name *.example.com;
    return 200 "head wildcard $server_name";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name *.sub.example.com;
    return 200 "longer head wildcard";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name www.example.*;
    return 200 "tail wildcard";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name www.example.co.*;
    return 200 "longer tail wildcard";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name .dotted.example;
    return 200 "dotted $server_name";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name ~^(www\.)?(.+)\.regex\.example$;
    return 200 "first regex [$1] $2";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name ~\.regex\.;
    return 200 "second regex";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name xn--e1afmkfd.example under_score.example;
    return 200 "odd $host";
}
--- keepalive_requests
GET /
Host: www.example.com
~~~
GET /
Host: WWW.EXAMPLE.COM
~~~
GET /
Host: alias.example.com
~~~
GET /
Host: xn--e1afmkfd.example
~~~
GET /
Host: under_score.example
--- response_body chomp
exact www.example.com www.example.com
~~~
exact www.example.com www.example.com
~~~
exact www.example.com alias.example.com
~~~
odd xn--e1afmkfd.example
~~~
odd under_score.example

=== a port and one trailing dot do not count
--- keepalive_requests
GET /
Host: www.example.com:8080
~~~
GET /
Host: www.example.com.
~~~
GET /
Host: www.example.com.:8080
~~~
GET /
Host: www.example.com:
--- response_body chomp
exact www.example.com www.example.com

=== a wildcard at the start stands for one or several labels, not for none
--- keepalive_requests
GET /
Host: a.example.com
~~~
GET /
Host: a.b.example.com
~~~
GET /
Host: A.Example.COM.:80
~~~
GET /
Host: example.com
~~~
GET /
Host: badexample.com
--- response_body chomp
head wildcard *.example.com
~~~
head wildcard *.example.com
~~~
head wildcard *.example.com
~~~
default []
~~~
default []

=== the longest wildcard wins, and what stands first in it is no name by itself
--- keepalive_requests
GET /
Host: a.sub.example.com
~~~
GET /
Host: a.b.sub.example.com
~~~
GET /
Host: sub.example.com
~~~
GET /
Host: www.example.co.uk
~~~
GET /
Host: www.example.org
~~~
GET /
Host: www.example
~~~
GET /
Host: a.www.example.org
--- response_body chomp
longer head wildcard
~~~
longer head wildcard
~~~
head wildcard *.example.com
~~~
longer tail wildcard
~~~
tail wildcard
~~~
default []
~~~
default []

=== a name that begins with a dot is the name and everything below
--- keepalive_requests
GET /
Host: dotted.example
~~~
GET /
Host: www.dotted.example
~~~
GET /
Host: a.b.dotted.example
~~~
GET /
Host: undotted.example
--- response_body chomp
dotted dotted.example
~~~
dotted dotted.example
~~~
dotted dotted.example
~~~
default []

=== regular expressions are tried in their order
--- keepalive_requests
GET /
Host: www.shop.regex.example
~~~
GET /
Host: shop.regex.example
~~~
GET /
Host: shop.regex.other
~~~
GET /
Host: SHOP.Regex.Example:81
--- response_body chomp
first regex [www.] shop
~~~
first regex [] shop
~~~
second regex
~~~
first regex [] shop

=== exact before wildcard at the start before wildcard at the end before regular expression
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    server_name ~.;
    return 200 "regex";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name a.b.*;
    return 200 "tail";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name *.c;
    return 200 "head";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name a.b.c;
    return 200 "exact";
}
--- keepalive_requests
GET /
Host: a.b.c
~~~
GET /
Host: x.b.c
~~~
GET /
Host: a.b.c.c
~~~
GET /
Host: a.b.d
~~~
GET /
Host: d
--- response_body chomp
exact
~~~
head
~~~
head
~~~
tail
~~~
regex

=== numbered and named captures of a server name, in return and in root
--- config
server_name ~^(?<user>[a-z]+)\.(home|work)\.example$;
root html/$user;
location / { }
location /which { return 200 "$user at $2, $1"; }
location ~ ^/over/(.) { return 200 "$1 of $user"; }
--- user_files
>>> anna/file.txt
anna's
>>> bert/file.txt
bert's
--- keepalive_requests
GET /file.txt
Host: anna.home.example
~~~
GET /file.txt
Host: bert.work.example
~~~
GET /which
Host: anna.work.example
~~~
GET /which
Host: CARL.home.example:8000
~~~
GET /over/x
Host: anna.work.example
--- response_body_like
^anna's$
~~~
^bert's$
~~~
^anna at work, anna$
~~~
^carl at home, carl$
~~~
^x of anna$

=== captures of the first request do not stay for the second
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    server_name ~^(?<who>a+)\.example$;
    return 200 "[$who]";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name ~^(b+)\.example$;
    return 200 "[$who][$1]";
}
--- keepalive_requests
GET /
Host: aaa.example
~~~
GET /
Host: bb.example
~~~
GET /
Host: a.example
--- response_body chomp
[aaa]
~~~
[][bb]
~~~
[a]

=== a name with a regular expression is case insensitive
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    return 200 "default";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name ~^UPPER\.example$;
    return 200 "upper $host";
}
--- keepalive_requests
GET /
Host: upper.example
~~~
GET /
Host: UPPER.EXAMPLE
--- response_body: upper upper.example

=== the empty name takes requests without a host
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    server_name first.example;
    return 200 "first";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name named.example "";
    return 200 "none [$host][$http_host][$server_name]";
}
--- raw_request
GET / HTTP/1.0\r\n\r\n
--- response_body: none [named.example][][named.example]

=== an empty Host is refused
--- raw_request
GET / HTTP/1.1\r\nHost:\r\n\r\n
--- error_code: 400
--- error_log
client sent invalid host header while reading client request headers

=== without a server of the empty name the default one has them
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    server_name first.example;
    return 200 "first $host";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name second.example;
    return 200 "second";
}
--- raw_request
GET / HTTP/1.0\r\n\r\n
--- response_body: first first.example

=== a server without server_name has the empty name
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    server_name first.example;
    return 200 "first";
}
server {
    listen 127.0.0.1:%%PORT%%;
    return 200 "nameless [$server_name]";
}
--- raw_request
GET / HTTP/1.0\r\n\r\n
--- response_body: nameless []

=== the name _ is nothing special
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    server_name first.example;
    return 200 "first";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name _;
    return 200 "underscore";
}
--- keepalive_requests
GET /
Host: unknown.example
~~~
GET /
Host: _
--- response_body chomp
first
~~~
underscore

=== an address can be a name
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    return 200 "default";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name 192.0.2.1 "[2001:db8::1]";
    return 200 "address $host";
}
--- keepalive_requests
GET /
Host: 192.0.2.1
~~~
GET /
Host: 192.0.2.1:8000
~~~
GET /
Host: [2001:DB8::1]
~~~
GET /
Host: [2001:db8::1]:8000
~~~
GET /
Host: [2001:db8::2]
--- response_body chomp
address 192.0.2.1
~~~
address 192.0.2.1
~~~
address [2001:db8::1]
~~~
address [2001:db8::1]
~~~
default

=== $hostname as a name is the name of the machine
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    return 200 "default";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name $hostname;
    return 200 "this machine";
}
--- more_headers eval
use Sys::Hostname; 'Host: ' . hostname() . "\n"
--- request
GET /
--- response_body: this machine

=== the host of an absolute target chooses the server, not the Host line
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    server_name one.example;
    return 200 "one $host $http_host $uri $request_uri";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name two.example;
    return 200 "two $host $http_host $uri $request_uri";
}
--- raw_request
GET http://TWO.example:8000/a%20b?c=d HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n
--- response_body: two two.example one.example /a b /a%20b?c=d

=== an absolute target without a path asks for /
--- raw_request
GET http://two.example HTTP/1.1\r\nHost: two.example\r\nConnection: close\r\n\r\n
--- response_body: two two.example two.example / /

=== an absolute target without a path, but with arguments
--- raw_request
GET http://two.example?x=y HTTP/1.1\r\nHost: two.example\r\nConnection: close\r\n\r\n
--- response_body_like
^two two\.example two\.example / /?\?x=y$

=== an absolute target in HTTP/1.0 needs no Host
--- raw_request
GET http://two.example/x HTTP/1.0\r\n\r\n
--- response_body: two two.example  /x /x

=== an absolute target does not excuse from Host in HTTP/1.1
--- raw_request
GET http://two.example/ HTTP/1.1\r\nConnection: close\r\n\r\n
--- error_code: 400
--- error_log
client sent HTTP/1.1 request without "Host" header while reading client request headers

=== a host that can be no name is refused
--- keepalive_requests
GET /
Host: a/b
--- error_code: 400
--- error_log
client sent invalid host header while reading client request headers

=== two Host lines are refused
--- raw_request
GET / HTTP/1.1\r\nHost: one.example\r\nHost: one.example\r\n\r\n
--- error_code: 400
--- error_log
client sent duplicate host header: "Host: one.example", previous value: "Host: one.example" while reading client request headers

=== two dots at the end of a host are refused
--- request
GET /
Host: one.example..
--- error_code: 400
--- error_log
client sent invalid host header

=== the first server of an address is its default
--- http_config
server {
    listen 127.0.0.1:%%PORT1%%;
    listen 127.0.0.1:%%PORT%%;
    server_name a.example;
    return 200 "a";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name b.example;
    return 200 "b";
}
--- request
GET /
Host: unknown.example
--- response_body: a

=== default_server can stand in any server, also beside a listen without it
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    server_name a.example;
    return 200 "a";
}
server {
    listen 127.0.0.1:%%PORT%% default_server;
    server_name b.example;
    return 200 "b";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name c.example;
    return 200 "c";
}
--- keepalive_requests
GET /
Host: a.example
~~~
GET /
Host: unknown.example
~~~
GET /
Host: c.example
--- response_body chomp
a
~~~
b
~~~
c

=== default is the old word for default_server
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    return 200 "a";
}
server {
    listen 127.0.0.1:%%PORT%% default;
    server_name b.example;
    return 200 "b";
}
--- request
GET /
Host: unknown.example
--- response_body: b

=== one name on one address belongs to the first that has it; the others are warned about
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    server_name default.example;
    return 200 "default";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name same.example *.wild.example tail.*;
    return 200 "first";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name SAME.example *.wild.example tail.* own.example;
    return 200 "second";
}
--- keepalive_requests
GET /
Host: same.example
~~~
GET /
Host: a.wild.example
~~~
GET /
Host: tail.example
~~~
GET /
Host: own.example
--- response_body chomp
first
~~~
first
~~~
first
~~~
second

=== the warning names the name and the address
--- conf_ok
[warn] conflicting server name "same.example" on 127.0.0.1:%%PORT%%, ignored
[warn] conflicting server name "*.wild.example" on 127.0.0.1:%%PORT%%, ignored
[warn] conflicting server name "tail.*" on 127.0.0.1:%%PORT%%, ignored

=== one name twice in one server is warned about too
--- http_config
server { listen 127.0.0.1:%%PORT%%; }
server { listen 127.0.0.1:%%PORT%%; server_name twice.example twice.example; }
--- conf_ok
[warn] conflicting server name "twice.example" on 127.0.0.1:%%PORT%%, ignored

=== a dotted name is two names; both can be taken
--- http_config
server { listen 127.0.0.1:%%PORT%%; server_name .taken.example; }
server { listen 127.0.0.1:%%PORT%%; server_name taken.example *.taken.example; }
--- conf_ok
[warn] conflicting server name "taken.example" on 127.0.0.1:%%PORT%%, ignored
[warn] conflicting server name "*.taken.example" on 127.0.0.1:%%PORT%%, ignored

=== the same name on another address is no conflict
--- http_config
server { listen 127.0.0.1:%%PORT%%; server_name same.example; return 200 "one"; }
server { listen 127.0.0.2:%%PORT%%; server_name same.example; return 200 "two"; }
--- request
GET /
Host: same.example
--- response_body: one
--- no_error_log
conflicting server name

=== names add up over several server_name
--- config
server_name a.example;
server_name b.example c.example;
return 200 "$server_name $host";
--- keepalive_requests
GET /
Host: b.example
~~~
GET /
Host: c.example
--- response_body chomp
a.example b.example
~~~
a.example c.example

=== the version is in Server and in error pages
--- config
return 404;
--- request
GET /
--- error_code: 404
--- response_headers_like
Server: %%NAME%%/\d+\.[\d.]+
--- response_body_like
<center>%%NAME%%/\d+\.[\d.]+</center>

=== server_tokens off leaves the name only
--- http_config
server_tokens off;
--- config
location / { return 404; }
location /on { server_tokens on; return 404; }
location /built { server_tokens build; return 404; }
--- request
GET /
--- error_code: 404
--- response_headers
Server: %%NAME%%
--- response_body_like
<center>%%NAME%%</center>

=== server_tokens on and build in a location
--- keepalive_requests
GET /on
~~~
GET /built
--- error_code: 404 404
--- response_headers_like
Server: %%NAME%%/\d+\.[\d.]+
~~~
Server: %%NAME%%/\d+\.[\d.]+( \(.+\))?
--- response_body_like
<center>%%NAME%%/[^<]+</center>

=== server_tokens of what is answered before there is a server
--- http_config
server_tokens off;
server {
    listen 127.0.0.1:%%PORT%%;
    server_tokens on;
}
--- raw_request
bad\r\n\r\n
--- error_code: 400
--- response_headers_like
Server: %%NAME%%/\d+\.[\d.]+

=== listen takes all its parameters
--- config
listen 127.0.0.1:%%PORT%% default_server backlog=128 rcvbuf=64k sndbuf=64k deferred bind reuseport
    so_keepalive=on;
listen 127.0.0.1:%%PORT1%% so_keepalive=30m::10 fastopen=16;
listen 127.0.0.1:%%PORT2%% so_keepalive=off;
listen 127.0.0.1:%%PORT3%% so_keepalive=5:6:7 backlog=1;
return 200 "ok";
--- request
GET /
--- response_body: ok

=== multipath is a parameter of listen
--- since: 1.29.7
--- config
listen 127.0.0.1:%%PORT%% multipath;
--- conf_ok

=== a listen of the same address in another server does not repeat the parameters
--- http_config
server { listen 127.0.0.1:%%PORT%% backlog=64; return 200 "a"; }
server { listen 127.0.0.1:%%PORT%%; server_name b.example; return 200 "b"; }
--- request
GET /
Host: b.example
--- response_body: b

=== parameters of a socket in two servers are refused
--- http_config
server { listen 127.0.0.1:%%PORT%% backlog=64; }
server { listen 127.0.0.1:%%PORT%% rcvbuf=8k; }
--- conf_error
[emerg] duplicate listen options for 127.0.0.1:%%PORT%% in %%CONF%%:

=== one address twice in one server is refused
--- config
listen 127.0.0.1:%%PORT%%;
listen 127.0.0.1:%%PORT%%;
--- conf_error
[emerg] a duplicate listen 127.0.0.1:%%PORT%% in %%CONF%%:

=== a port and the wildcard with that port are one address
--- config
listen %%PORT%%;
listen *:%%PORT%%;
--- conf_error
[emerg] a duplicate listen 0.0.0.0:%%PORT%% in %%CONF%%:

=== two default servers of one address are refused
--- http_config
server { listen 127.0.0.1:%%PORT%% default_server; }
server { listen 127.0.0.1:%%PORT%%; }
server { listen 127.0.0.1:%%PORT%% default_server; }
--- conf_error
[emerg] a duplicate default server for 127.0.0.1:%%PORT%% in %%CONF%%:

=== default servers of different addresses are fine
--- http_config
server { listen 127.0.0.1:%%PORT%% default_server; }
server { listen 127.0.0.2:%%PORT%% default_server; }
server { listen 127.0.0.1:%%PORT1%% default_server; }
--- conf_ok

=== a name is looked up
--- config
listen 127.1:%%PORT%%;
location / { return 200 "$server_addr"; }
--- request
GET /
--- response_body chomp
127.0.0.1

=== a name without an address is refused
--- config
listen no-such-host.invalid:8000;
--- conf_error
[emerg] host not found in "no-such-host.invalid:8000" of the "listen" directive in %%CONF%%:

=== a port beyond 65535 is refused
--- config
listen 127.0.0.1:65536;
--- conf_error
[emerg] invalid port in "127.0.0.1:65536" of the "listen" directive in %%CONF%%:

=== port 0 is refused
--- config
listen 127.0.0.1:0;
--- conf_error
[emerg] invalid port in "127.0.0.1:0" of the "listen" directive in %%CONF%%:

=== a listen without an address is refused
--- config
listen :8000;
--- conf_error
[emerg] no host in ":8000" of the "listen" directive in %%CONF%%:

=== a listen of the empty string is refused
--- config
listen "";
--- conf_error
[emerg] no host in "" of the "listen" directive in %%CONF%%:

=== an IPv6 address that is none is refused
--- config
listen [::g]:8000;
--- conf_error
[emerg] invalid IPv6 address in "[::g]:8000" of the "listen" directive in %%CONF%%:

=== an unknown parameter of listen is refused
--- config
listen 127.0.0.1:%%PORT%% nonsense;
--- conf_error
[emerg] invalid parameter "nonsense" in %%CONF%%:

=== a backlog that is no positive number is refused
--- config
listen 127.0.0.1:%%PORT%% backlog=0;
--- conf_error
[emerg] invalid backlog "backlog=0" in %%CONF%%:

=== a bad rcvbuf is refused
--- config
listen 127.0.0.1:%%PORT%% rcvbuf=big;
--- conf_error
[emerg] invalid rcvbuf "rcvbuf=big" in %%CONF%%:

=== a bad sndbuf is refused
--- config
listen 127.0.0.1:%%PORT%% sndbuf=-1;
--- conf_error
[emerg] invalid sndbuf "sndbuf=-1" in %%CONF%%:

=== a bad fastopen is refused
--- config
listen 127.0.0.1:%%PORT%% fastopen=x;
--- conf_error
[emerg] invalid fastopen "fastopen=x" in %%CONF%%:

=== a bad so_keepalive is refused
--- config
listen 127.0.0.1:%%PORT%% so_keepalive=perhaps;
--- conf_error
[emerg] invalid so_keepalive value: "perhaps" in %%CONF%%:

=== a so_keepalive with nothing in it is refused
--- config
listen 127.0.0.1:%%PORT%% so_keepalive=::;
--- conf_error
[emerg] invalid so_keepalive value: "::" in %%CONF%%:

=== ipv6only is on or off
--- config
listen [::1]:%%PORT%% ipv6only=maybe;
--- conf_error
[emerg] invalid parameter "ipv6only=maybe" in %%CONF%%:

=== ipv6only on an IPv4 address does nothing
--- config
listen 127.0.0.1:%%PORT%% ipv6only=on;
--- conf_ok

=== setfib is not for Linux
--- config
listen 127.0.0.1:%%PORT%% setfib=1;
--- conf_error
[emerg] invalid parameter "setfib=1" in %%CONF%%:

=== an accept filter is not for Linux: it is told, and passed over
--- config
listen 127.0.0.1:%%PORT%% accept_filter=httpready;
--- conf_ok
accept filters "accept_filter=httpready" are not supported on this platform, ignored in %%CONF%%:

=== a socket file without a path is refused
--- config
listen unix:;
--- conf_error
[emerg] no path in the unix domain socket in "unix:" of the "listen" directive in %%CONF%%:

=== a path of a socket file that is too long is refused
--- config
listen unix:/tmp/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;
--- conf_error
[emerg] too long path in the unix domain socket in "unix:/tmp/aaaa

=== listen without parameters is refused
--- config
listen;
--- conf_error
[emerg] invalid number of arguments in "listen" directive in %%CONF%%:

=== listen belongs into a server
--- http_config
listen 8000;
--- conf_error
[emerg] "listen" directive is not allowed here in %%CONF%%:

=== a wildcard in the middle of a name is refused
--- http_config
server { listen 127.0.0.1:%%PORT%%; server_name www.*.example.com; }
server { listen 127.0.0.1:%%PORT%%; }
--- conf_error
[emerg] invalid server name or wildcard "www.*.example.com" on 127.0.0.1:%%PORT%%

=== a wildcard that is part of a label is refused
--- http_config
server { listen 127.0.0.1:%%PORT%%; server_name w*.example.com; }
server { listen 127.0.0.1:%%PORT%%; }
--- conf_error
[emerg] invalid server name or wildcard "w*.example.com" on 127.0.0.1:%%PORT%%

=== wildcards at both ends are refused
--- http_config
server { listen 127.0.0.1:%%PORT%%; server_name *.example.*; }
server { listen 127.0.0.1:%%PORT%%; }
--- conf_error
[emerg] invalid server name or wildcard "*.example.*" on 127.0.0.1:%%PORT%%

=== a lone wildcard is refused
--- config
server_name *;
--- conf_error
[emerg] server name "*" is invalid in %%CONF%%:

=== a wildcard that is not followed by a dot is refused
--- config
server_name *example.com;
--- conf_error
[emerg] server name "*example.com" is invalid in %%CONF%%:

=== a name of several wildcards is refused
--- http_config
server { listen 127.0.0.1:%%PORT%%; server_name *.*.example; }
server { listen 127.0.0.1:%%PORT%%; }
--- conf_error
[emerg] invalid server name or wildcard "*.*.example" on 127.0.0.1:%%PORT%%

=== a name that is only a dot is refused
--- config
server_name .;
--- conf_error
[emerg] server name "." is invalid in %%CONF%%:

=== a name with two dots is refused
--- http_config
server { listen 127.0.0.1:%%PORT%%; server_name a..example; }
server { listen 127.0.0.1:%%PORT%%; }
--- conf_error
[emerg] invalid server name or wildcard "a..example" on 127.0.0.1:%%PORT%%

=== an empty regular expression as a name is refused
--- config
server_name ~;
--- conf_error
[emerg] empty regex in server name "~" in %%CONF%%:

=== a regular expression with an error is refused
--- config
server_name ~^(www;
--- conf_error
/\[emerg\] pcre2?_compile\(\) failed: missing .* in "\^\(www".* in %%CONF%%:/

=== a name with a slash is suspicious
--- config
server_name example.com/path;
--- conf_ok
[warn] server name "example.com/path" has suspicious symbols in %%CONF%%:

=== server_name belongs into a server
--- http_config
server_name a.example;
--- conf_error
[emerg] "server_name" directive is not allowed here in %%CONF%%:

=== server_name needs a name
--- config
server_name;
--- conf_error
[emerg] invalid number of arguments in "server_name" directive in %%CONF%%:

=== a server without listen is one on port 80
--- full_config
events { }
http { server { root html; } }
--- conf_ok
test is successful
