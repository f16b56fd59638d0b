use strict;
use warnings;
use Net::SMTP;

# As its manual has it, with every answer looked at.
my $smtp = Net::SMTP->new('127.0.0.1', Port => $ENV{SMTP_PORT}, Timeout => 20) or die "no connection: $@\n";
sub refused { die 'refused: ' . $smtp->code . ' ' . $smtp->message . "\n" }
$smtp->auth($ENV{SMTP_USER}, $ENV{SMTP_PASSWORD}) or refused();
$smtp->mail('app@example.com') or refused();
my @taken = $smtp->recipient('ann@example.org', 'bob@example.org', { SkipBad => 1 }) or refused();
$smtp->data() or refused();
$smtp->datasend("From: app\@example.com\nTo: ann\@example.org, bob\@example.org\nSubject: Hello\n\nHello\n");
$smtp->dataend() or refused();
$smtp->quit;
print "taken: @taken\n";
