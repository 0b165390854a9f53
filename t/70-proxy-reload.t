# What a reload does to the connections that are kept to servers.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend qw(answer);

skip_without('proxy_pass');

my $t = Test::Weir->new(name => 'reload');

sub configure
{
    my ($servers, $more) = @_;

    $t->write_conf(<<"CONF");
worker_processes 1;
events { }
http {
    upstream u { $servers keepalive 8; }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location / { proxy_pass http://u; $more }
    }
}
CONF
}

my ($one, $two) = map { Test::Weir::Backend->new($t->port($_), answer(200, "$_\n")) } 1, 2;
configure('server 127.0.0.1:%%PORT1%%; server 127.0.0.1:%%PORT2%%;', '');
$t->start;
is(join('', sort map { get($t->port, '/')->{body} } 1 .. 4), "1\n1\n2\n2\n", 'two servers');

unless (skipped('what is kept', differs => 'nginx has other workers then')) {
    configure('server 127.0.0.1:%%PORT1%%; server 127.0.0.1:%%PORT2%%;', 'proxy_read_timeout 5s;');
    $t->reload;
    get($t->port, '/') for 1 .. 4;
    is(scalar $_->connections, 1, 'a connection is used across a reload') for $one, $two;
}

configure('server 127.0.0.1:%%PORT2%%;', '');
$t->reload;
ok($one->wait_closed(1), 'that to a server which is gone is closed');
is(get($t->port, '/')->{body}, "2\n", 'the other one answers');

done_testing();
