# perl send.pl PORT MODE USER KEY FILE: sends FILE with Net::SMTP; prints the reply, or the refusal and exits 1.
use strict;
use warnings;
use Net::SMTP;
my ($port, $mode, $user, $key, $file) = @ARGV;
my %options = (Port => $port, Hello => 'client.example.org', Timeout => 300);
%options = (%options, SSL => 1, SSL_verify_mode => 0) if $mode eq 'implicit';
my $smtp = Net::SMTP->new('127.0.0.1', %options) or die "no connection: $@";
sub refused { print $smtp->code, ' ', $smtp->message; exit 1 }
if ($mode eq 'starttls') { $smtp->starttls(SSL_verify_mode => 0) or refused() }
$smtp->auth($user, $key) or refused();
$smtp->mail('sender@example.org') or refused();
$smtp->to('someone@example.net') or refused();
open(my $in, '<:raw', $file) or die $!;
my $content = do { local $/; <$in> };
$content =~ s/\r\n/\n/g;
$smtp->data() or refused();
$smtp->datasend($content);
$smtp->dataend() or refused();
print $smtp->code, ' ', $smtp->message;
$smtp->quit;
