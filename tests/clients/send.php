<?php
require 'libphp-phpmailer/autoload.php';

$mail = new PHPMailer\PHPMailer\PHPMailer(true);
$mail->isSMTP();
$mail->Host = '127.0.0.1';
$mail->Port = (int) getenv('SMTP_PORT');
$mail->Timeout = 20;
$mail->SMTPAuth = true;
$mail->Username = getenv('SMTP_USER');
$mail->Password = getenv('SMTP_PASSWORD');
$mail->setFrom('app@example.com');
$mail->addAddress('ann@example.org');
$mail->addAddress('bob@example.org');
$mail->Subject = 'Hello';
$mail->Body = 'Hello';
try {
    $mail->send();
} catch (Exception $error) {
    echo $error->getMessage(), "\n";
    exit(1);
}
