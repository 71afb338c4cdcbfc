"""Short and familiar forms of given names: an own table of forms in common English use, written for Porchlight.

Each line is one group: any two names of a group may be the same person's. A name may stand in several groups
(`alex` is Alexander and Alexandra), and groups are not joined through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

_GROUPS: Final = """
aaron ron ronnie
abigail abby abbie gail
abraham abe abram bram
adam ad
adelaide addie ada heidi della
adeline addie ada
adolphus dolph adolph
agnes aggie nessie nessa
albert al bert bertie albie
alexander alex al sandy alec alick alistair xander sasha lex
alexandra alex sandra sandy lexi alexa sasha
alfred al fred alf alfie freddie
alice allie ally elsie lizzie
allan alan allen al
amanda mandy manda
amelia amy millie emily mel
andrew andy drew andie
angela angie ang
ann anne anna annie nan nancy nannie hannah
annabel anna bella belle
anthony tony antony ant
antoinette toni tony nettie netta
archibald archie baldie
arthur art artie
augustus gus august
augusta gussie gus tina
barbara barb babs barbie bab
bartholomew bart barty bat
beatrice bea trixie beattie bee
benedict ben benny
benjamin ben benny benji benjie
bernard bernie barney bern
bertha bertie berta
bertram bert bertie
bradley brad
bridget biddy bridie bess
caleb cal
calvin cal vin
cameron cam
carol carrie caroline carolyn lynn
caroline carrie carol caro lina callie
cassandra cass cassie sandra
catherine cathy kate katie kathy kitty cath kay cat katherine kathryn katharine kit kathleen
cecilia cissie celia cis sissy
cecil cec
charles charlie chas chuck chip charley carl chaz
charlotte lottie charlie lotte char tottie
christian chris kit
christina chris tina chrissie christy kirsty christine
christopher chris kit topher kris christy
clarence clare clarry
clarissa clara cissy
clement clem
clifford cliff
constance connie
cornelius neil con corny
cynthia cindy
daniel dan danny
daphne daph
david dave davy davie
deborah deb debbie debby
dennis den denny denis
derek del
desmond des
diana di
dominic dom nick
donald don donnie
dorothy dot dottie dolly dora dorothea
douglas doug dougie
edgar ed eddie
edith edie edy
edmund ed ned ted eddie edmond ned
edward ed eddie ned ted teddy eddy
edwin ed eddie ned win
eleanor ellie nell nora nellie elinor ella lenora ellen
elijah eli lige
elizabeth liz lizzie beth betty bess betsy eliza elsie libby lisa elisabeth bessie bella ella lily lizzy betsey
ellen nell nellie helen ella
emily em emmy millie
emma em emmy
emmanuel manny manuel
ephraim eph
ernest ernie ern
esther essie hester hetty
eugene gene
evelyn eve evie
ezekiel zeke
florence flo florrie flossie
frances fran fanny frankie francie sis
francis frank frankie fran franz
franklin frank
frederick fred freddie freddy fritz fredrick frederic
gabriel gabe gab
gabrielle gabby gabi
geoffrey geoff jeff jeffrey
george georgie geo jorge
georgina georgie gina georgiana
gerald gerry jerry ger
geraldine gerry geri dina
gertrude gertie trudy
gilbert gil bert gib
gregory greg gregg
gwendolyn gwen wendy
hannah nan anna ann hanna
harold harry hal
harriet hattie hatty harry
helen nell nellie lena ellen ella
henrietta etta hetty hattie harriet
henry harry hal hank harrison
herbert bert herb bertie herbie
hester hetty esther
horace horry
howard howie
hubert bert hugh hubie
hugh hughie hugo
ignatius iggy nate
irene rena renie
isaac ike zac
isabel bella belle izzy isabella isobel isabelle bell ibby tibby
jacob jake jack jacky jay
jacqueline jackie jacqui jac
james jim jimmy jamie jem jas jimmie jay
jane janie jenny jennie jean jean janet
janet jan jenny jess
jasper casper
jeffrey jeff geoff
jemima mima jem
jennifer jen jenny jenn
jeremiah jerry jem
jeremy jerry jem
jerome jerry
jessica jess jessie
joan joanie jo
joanna jo joan hannah joanne
john jack johnny jon jock johnnie jackie ian
jonathan jon jonny nathan jonathon
joseph joe joey jos jo
josephine jo josie fina
joshua josh
joyce joy
judith judy jude
julia julie jule
julian jules jule
julius jules
katherine kate katie kathy kitty kat kay katharine kathryn catherine
kenneth ken kenny
kimberly kim kimmy
laura laurie lolly lora
lauren laurie ren
laurence larry lawrence laurie lorry lauri loz
lawrence larry laurence laurie lawrie
leonard len lenny leo lennie
leopold leo poldie
leslie les
letitia letty lettie tish
lewis lew louis lou
lillian lily lil lilian lillie
lionel leo
louis lou lewis louie
louisa lou louie louise
louise lou lulu louisa
lucas luke
lucy lu lucie
lucille lucy lu
lydia liddy
madeline maddie maddy madeleine magdalen lena
magdalene maggie lena magda
marcus mark marc
margaret maggie meg peggy madge marge greta daisy margie rita mag margery meggy molly peg margot
maria mary mariah ria
marian marion mary
marjorie marge margie madge marjory
martha mattie patty marty mat
martin marty mart
mary molly polly mae may mamie minnie marie maria
matilda tilly mattie maud tillie
matthew matt mat matty
maurice morris mo maury
maxwell max
maximilian max
melissa mel lissa missy
melvin mel
mercy merry
meredith merry
michael mike mick mickey micky mikey mitch mich
michelle shelly chelle mickey
mildred millie milly
millicent millie milly
miranda mandy randy
mitchell mitch
montague monty
mortimer mort
moses mo moe mose
nancy nan ann nance
natalie nat natty
natasha tasha nat
nathan nate nat
nathaniel nat nate nathan natty
nicholas nick nicky nic nico klaus colin nicolas
nicole nicky nikki nic
norman norm
octavia tavy
oliver ollie noll
olivia liv ollie livvy
oscar ossie
oswald ossie oz ozzie
pamela pam
patience pat patty
patricia pat patty tricia trish patsy paddy
patrick pat paddy rick packy
paul paulie
pauline polly paula
penelope penny pen
percival percy perce
peter pete petey pierre
philip phil pip phillip
philippa pippa pip
phyllis phyl
priscilla cilla prissy
prudence prue
rachel rae rach shelly rachael
ralph rafe
randolph randy dolph
raphael rafe ralph
raymond ray
rebecca becky becca reba beck
reginald reg reggie rex
reuben rube ben
richard dick rick ricky rich richie dickie dicky ritchie
robert bob rob bobby robbie bert robin rupert bobbie
roberta bobbie berta
roderick rod roddy rory
rodney rod
roger rodge hodge
roland rollo rolly rowland
ronald ron ronnie
rosalind ros roz rose
rosamund ros rose
rosemary rose rosie romy
rose rosie
rudolph rudy rolf dolph
rufus rufe
rupert rob
russell russ rusty
samantha sam sammy
samuel sam sammy sammie
sarah sally sadie sal sara
sebastian seb bastian
selina lina
seymour cy
sheila shelagh
sidney sid sydney syd
sigmund sig
silas si
simon si sim simeon
solomon sol solly
sophia sophie sophy
stanley stan
stephanie steph stevie
stephen steve stevie steven ste
stewart stu stuart
stuart stu stew stewart
susan sue susie suzie sukey suzy
susannah sue susie hannah susan anna susanna
sylvester sly vester
sylvia syl
tabitha tabby
terence terry
teresa terry tess tessa theresa tracy
thaddeus thad tad
theodore ted theo teddy
theresa terry tess tessa teresa tracy
theophilus theo
thomas tom tommy thom tam
timothy tim timmy
tobias toby
ursula ursie
valentine val
valerie val
vanessa nessa
veronica ronnie vera
victor vic vick
victoria vicky tori vic vicki queenie
vincent vin vince vinny
virginia ginny ginger
vivian viv
walter wal wally walt wat
wesley wes
wilfred wilf fred will
wilhelmina mina minnie willa
william bill will billy willie liam willy
winifred winnie freda
winston win
woodrow woody
zachary zach zack zac
zechariah zach zac
"""


@cache
def _groups_of_names() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, line in enumerate(_GROUPS.strip().splitlines()):
        for name in line.split():
            found.setdefault(name, set()).add(number)
    return {name: frozenset(groups) for name, groups in found.items()}


def groups_of_names(names: Sequence[str]) -> NDArray[np.int16]:
    """For each given name the numbers of its groups, filled up with -1; a double name counts by its first part.

    Two names can be forms of one where they share a group.
    """
    known = _groups_of_names()
    found = np.full((len(names), max(map(len, known.values()))), -1, np.int16)
    for row, name in enumerate(names):
        groups = known.get(name) or known.get(name.partition(" ")[0])
        if groups:
            found[row, : len(groups)] = sorted(groups)
    return found


def root_name(name: str) -> str:
    """One form for every name of the first group that `name` leads or stands in: what blocking files it under."""
    groups = _groups_of_names().get(name)
    return _leaders()[min(groups)] if groups else name


@cache
def _leaders() -> tuple[str, ...]:
    return tuple(line.split()[0] for line in _GROUPS.strip().splitlines())
