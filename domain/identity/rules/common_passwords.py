"""The commonest passwords of eight characters and more, as leaked lists agree, and what suggests itself here."""

from typing import Final

LISTED: Final = """
00000000 000000000 0000000000 001001001 007007007 01234567 012345678 0123456789 09876543 0987654321 100200300
10101010 101010101 10203040 1020304050 102030405060 11111111 111111111 1111111111 11112222 111222333 11223344
1122334455 112233445566 11235813 12121212 121212121 12131415 12312312 123123123 1231231234 123321123
123321123321 12341234 123412345 12344321 123454321 1234554321 12345654321 12345678 123456788 123456789
1234567890 1234567891 12345678910 123456789a 123456789q 123456789z 12345678a 12345678q 12345679 1234567a
1234567q 123456abc 123456qwerty 12345abc 12345qwe 12345qwert 1234abcd 1234qwer 123654789 123abc123 123asd123
123qwe123 123qwe456 123qweasd 123qweasdzxc 13131313 13579246 135792468 1357924680 14725836 147258369 147852369
14789632 147896325 159357456 159753456 159951159 19841984 19871987 1a2b3c4d 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y
1qaz1qaz 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 20002000 20102010 20202020 22222222 222222222 23232323 24681012
246813579 25252525 25802580 2wsx3edc 31415926 314159265 33333333 333333333 36925814 369258147 44444444
444444444 45454545 456456456 456789123 55555555 555555555 5555555555 55667788 56565656 66666666 666666666
66669999 69696969 74108520 741852963 753951456 75395146 77777777 777777777 7777777777 78787878 78945612
789456123 7894561230 87654321 88888888 888888888 8888888888 951753852 96385274 963852741 98765432 987654321
9876543210 98989898 999888777 99999999 999999999 9999999999 a1234567 a12345678 a123456789 a1b2c3d4 a1b2c3d4e5
aa123456 aa12345678 aa@123456 aaaaaaaa aaaaaaaaa aaaaaaaaaa abc12345 abc123456 abc123abc abcabcabc abcd1234
abcd@1234 abcde123 abcdef12 abcdefgh abcdefghi access123 access14 accessaccess admin123 admin1234 admin12345
admin@123 admin@1234 adminadmin administrator administrator1 aleksandr aleksandra aleksey1 alexander
alexander1 alexandra america1 anastasia andrew123 andrey123 android1 angel123 angels123 anthony1 arsenal1
asd12345 asd123456 asdasdasd asdf1234 asdf12345 asdfasdf asdfgh12 asdfgh123 asdfghjk asdfghjkl asdfghjkl1
ashley123 asshole1 australia autumn2024 babygirl babygirl1 banana123 barcelona barcelona1 baseball baseball1
basketball basketball1 batman123 benjamin benjamin1 biteme123 blessed1 blink182 brittany brooklyn brooklyn1
budweiser bulldog1 bulldogs bullshit bullshit1 buster123 butterfly butterfly1 cadillac california call0fduty
carolina caroline celtic1888 champion champion1 change-me changeit changeme charlie1 charlie123 cheese123
chelsea1 chelsea123 cherry123 chevelle chevrolet chocolate chocolate1 christian christian1 christina
christopher cocacola cocacola1 company1 company123 computer computer1 cookie123 corvette counterstrike
cowboy123 cowboys1 coworking coworking1 crystal1 daniel123 danielle danielle1 dddddddd default1 demo1234
demodemo diamond1 diamond123 dmitriy1 dolphin1 dolphins dragon12 dragon123 dragonball eagles123 einstein
ekaterina elephant elephant1 elizabeth elizabeth1 eminem123 facebook facebook1 family123 ferrari1 firebird
football football1 football123 forever1 forever21 fortnite1 freedom1 freedom123 friends1 friends123 fuckoff1
fuckyou1 fuckyou123 fuckyou2 gandalf1 gangster gatehouse gatehouse-demo gatehouse1 gatehouse123 ginger123
gladiator godisgood goodbye1 goodluck google123 googlegoogle greenday1 guard123 guardguard guest123 guestguest
hardcore hardcore1 harley123 harleydavidson harrypotter heaven123 heineken hello123 hello1234 hellohello
hellokitty helloworld hockey123 hotel123 hotel1234 hunter123 ilovegod ilovejesus iloveu123 iloveyou iloveyou!
iloveyou1 iloveyou2 india@123 internet internet1 iphone123 jennifer jennifer1 jessica1 jesus123 jesuschrist
jonathan jonathan1 jordan123 jordan23 juventus juventus1 kawasaki killer123 krasotka lakers24 lapochka
letmein! letmein1 letmein123 letmeinnow lightning linux123 liverpool liverpool1 london123 lordoftherings
lovelove lovelove1 loveme123 loveyou1 lubov123 maksim123 manager1 manager123 manager1234 manchester
manchesterunited margaret marlboro master123 masterkey matrix123 matthew1 maverick mercedes metallica
metallica1 michael1 michael123 michelle michelle1 microsoft midnight midnight1 mikhail1 minecraft minecraft1
mitsubishi monkey12 monkey123 moskva123 mountain mustang1 mustang123 mypassword nastya123 natasha1 newpassword
newyork1 nicholas nicole123 nikolay1 nintendo nirvana1 nopasswd nopassword office123 office365 opensesame
orange123 p@ssw0rd p@ssw0rd1 p@ssw0rd123 p@ssword pa$$word pa55word panther1 paris123 parol123 parol1234
parolparol pass1234 pass12345 pass123456 pass@123 pass@1234 passpass passpass1 passw0rd passw0rd1 passw0rd123
password password! password#1 password. password0 password00 password007 password01 password1 password1!
password11 password12 password123 password123! password1234 password12345 password123456 password13 password2
password2020 password2021 password2022 password2023 password2024 password2025 password21 password22 password23
password3 password321 password4 password5 password6 password69 password7 password77 password8 password88
password9 password99 password@123 passwords passwort patricia patricia1 patriots pepper123 phoenix1
playstation pokemon1 pokemon123 porsche1 potter123 predator princesa princess princess1 privet123 privetik
purple123 q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 qaz123wsx qazqazqaz qazwsx12 qazwsx123 qazwsxedc qazwsxedc1
qazxswedc qqqqqqqq qwe12345 qwe123456 qwe123qwe qweasd123 qweasdzxc qweasdzxc1 qweqweqwe qwer1234 qwer12345
qwert123 qwert1234 qwert12345 qwerty00 qwerty11 qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty123456
qwerty21 qwerty22 qwerty77 qwerty78 qwerty99 qwertyqwerty qwertyui qwertyuiop qwertyuiop1 qwertyuiop[]
qwertyйцукен rainbow1 ranger123 rangers1 realmadrid reception reception1 redskins redwings robert123 roblox123
rockstar rockstar1 root1234 rootroot rossiya1 russia123 samantha samantha1 samsung1 samsung123 scoobydoo
scorpion scorpion1 scotland secret12 secret123 secretsecret security security1 security123 sergey123 service1
service123 shadow12 shadow123 slipknot1 snickers snowball1 soccer123 solnishko solnyshko spartak1 spiderman
spiderman1 spring2024 ssssssss starcraft starwars starwars1 steelers steelers1 stephanie strawberry summer123
summer2023 summer2024 sunshine sunshine1 superman superman1 superman123 support1 support123 svetlana swordfish
tatyana1 temp1234 temporary temppass terminator test1234 test@123 tester123 testing1 testing123 testtest
thepassword thomas123 thunder1 tigger123 together toor1234 topsecret trustno1 turnstile turnstile1 user1234
useruser valentina veronica veronika victoria victoria1 vladimir vladislav volkswagen warcraft1 welcome!
welcome1 welcome123 welcome2 welcome@123 whatever whatever1 windows1 windows10 winter123 winter2023 winter2024
worldofwarcraft wsxedcrfv wwwwwwww xxxxxxxx yamaha123 yankees1 yellow123 zaq12wsx zaq1xsw2 zaq1zaq1 zenit2012
zvezda123 zxcv1234 zxcvbnm, zxcvbnm,./ zxcvbnm1 zxcvbnm123 zxczxczxc zzzzzzzz ййййййй1 йцукен12 йцукен123
йцукенгш йцукенгшщз красотка любовь123 максимка марина123 москва123 наташа123 пароль12 пароль123 парольпароль
привет123 россия123 солнышко спартак1 фыва1234 фывапрол фывапролд ячсмитьб
"""
COMMON: Final = frozenset(LISTED.split())
