# ngx_http_mirror_module: what is copied, where to, and that nobody waits for it.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

my $t = Test::Weir->new(name => 'mirror');
$t->write_file("html/$_", "$_\n") for qw(a.txt index.html);
$t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    log_subrequest on;
    log_format all '$http_x_case $status $request_method $uri $args [$request_body]';
    access_log logs/access.log all;
    client_body_buffer_size 1k;
    root html;
    server {
        listen 127.0.0.1:%%PORT%%;
        mirror /copy;
        location / { }
        location = /copy { internal; return 204; }
        location = /copy2 { return 204; }
        location /two { mirror /copy; mirror /copy2; mirror /copy; alias html/a.txt; }
        location /off { mirror off; alias html/a.txt; }
        location /without { mirror_request_body off; alias html/a.txt; }
        location /missing { mirror /none; alias html/a.txt; }
        location /again { mirror /again; alias html/a.txt; }
        location /literal { mirror /copy$args; alias html/a.txt; }
        location /nested { mirror /nested2; alias html/a.txt; }
        location /nested2 { mirror /copy2; alias html/a.txt; }
        location /before { return 200 "before\n"; }
        location /denied { deny all; }
        location /tried { try_files $uri /a.txt; }
        location /slow { mirror /slow-copy; alias html/a.txt; }
        location = /slow-copy { limit_rate 1; alias html/a.txt; }
    }
}
CONF
$t->start;

# [case, method, uri, body, status, what is logged, in any order]
for my $case (
    ['GET', 'GET', '/a.txt?x=1', undef, 200, '200 GET /a.txt x=1 [-]', '204 GET /copy x=1 [-]'],
    ['HEAD', 'HEAD', '/a.txt', undef, 200, '200 HEAD /a.txt - [-]', '204 HEAD /copy - [-]'],
    ['POST', 'POST', '/a.txt', 'some body', 405, '405 POST /a.txt - [some body]',
        '204 POST /copy - [some body]'],
    ['two', 'GET', '/two', undef, 200, '200 GET /two - [-]', '204 GET /copy - [-]',
        '204 GET /copy - [-]', '204 GET /copy2 - [-]'],
    ['off', 'POST', '/off', 'some body', 405, '405 POST /off - [-]'],
    ['without', 'POST', '/without', 'some body', 405, '405 POST /without - [-]',
        '204 POST /copy - [-]'],
    ['missing', 'GET', '/missing', undef, 200, '200 GET /missing - [-]', '404 GET /none - [-]'],
    ['again', 'GET', '/again', undef, 200, '200 GET /again - [-]', '200 GET /again - [-]'],
    ['literal', 'GET', '/literal', undef, 200, '200 GET /literal - [-]',
        '404 GET /copy$args - [-]'],
    ['nested', 'GET', '/nested', undef, 200, '200 GET /nested - [-]', '200 GET /nested2 - [-]'],
    ['return', 'GET', '/before', undef, 200, '200 GET /before - [-]'],
    ['denied', 'GET', '/denied', undef, 403, '403 GET /denied - [-]'],
    ['index', 'GET', '/', undef, 200, '200 GET /index.html - [-]', '204 GET /copy - [-]',
        '204 GET /copy - [-]'],
    ['none', 'GET', '/none', undef, 404, '404 GET /none - [-]', '204 GET /copy - [-]'],
    )
{
    my ($name, $method, $uri, $body, $status, @lines) = @$case;
    my $answer = request($t->port, $method, $uri, headers => ['X-Case' => $name],
        defined $body ? (body => $body) : ());
    is($answer->{status}, $status, "$name: the answer");
    my @got;
    wait_for(sub { @got = $t->access_log =~ /^$name (.*)/mg; @got >= @lines }, 5, 'the log');
    is(join("\n", sort @got), join("\n", sort @lines), "$name: the requests");
}

# The answer is there at once; the connection's next request waits for the copy.
my $conn = Test::Weir::Conn->new($t->port);
$conn->write("GET /slow HTTP/1.1\r\nHost: a\r\nX-Case: slow\r\n\r\n");
is($conn->read_response->{body}, "a.txt\n", 'a slow copy: the answer does not wait');
$conn->close;
ok(wait_for(sub { $t->access_log =~ /^slow 200 GET \/slow /m }, 20, 'the log'),
    'a slow copy: ends with its request');

# A client that goes away in the middle of its body is not copied.
$conn = Test::Weir::Conn->new($t->port);
$conn->write("POST /a.txt HTTP/1.1\r\nHost: a\r\nX-Case: gone\r\nContent-Length: 9\r\n\r\nsome");
$conn->close;
ok(wait_for(sub { $t->access_log =~ /^gone \d+ POST \/a\.txt /m }, 5, 'the log'),
    'a client that is gone');
unlike($t->access_log, qr/^gone \d+ POST \/copy/m, 'is not copied');
$t->stop;

run_tests();

__DATA__

=== off is alone
--- config
mirror /a;
mirror off;
--- conf_error
[emerg] "mirror" directive is duplicate in %%CONF%%:

=== also when it comes first
--- config
mirror off;
mirror /a;
--- conf_error
[emerg] "mirror" directive is duplicate in %%CONF%%:

=== one place may be given twice
--- config
mirror /a;
mirror /a;
mirror_request_body off;
--- conf_ok

=== mirror_request_body is on or off
--- config
mirror_request_body maybe;
--- conf_error
[emerg] invalid value "maybe" in "mirror_request_body" directive, it must be "on" or "off" in
